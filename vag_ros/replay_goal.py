"""ReplayGoal: one goal from its request to its end: plan, approval, motion, arrival."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vag_core.panel_warnings import NEW_PLAN
from vag_core.robot import RobotProfile
from vag_core.safety.deviation import arrived, moved
from vag_core.safety.feedback import Feedback
from vag_core.safety.motion import YIELDING, Motion
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import Plan
from vag_core.safety.request import TrajectoryRequest
from vag_core.safety.schedule import Schedule
from vag_ros.msg import ReplayState
from vag_ros.real_time import real_time
from vag_ros.replay_planner import Planner
from vag_ros.replay_scene import Conditioning
from vag_ros.replay_stream import Commander, new_schedule, stream

POLL_S = 0.01
# How often the scene is compared while a plan waits for its approval.
COMPARE_S = 0.5
# Arms that move on their own between planning and start are not chased for ever.
MAX_PLANS = 5


@dataclass(frozen=True)
class Robot:
    """What a goal needs to move the robot.

    Attributes:
        wall_clock_ns: for stamps.
        trouble: why motion is not safe for reasons beside the joint states: driver, heartbeat.
        changes: what differs from the conditioning image at a measured pose.
        speed: share of the planned speed that is wanted now.
        real_time_priority: to ask for while streaming; 0 for none.
    """

    profile: RobotProfile
    feedback: Feedback
    commander: Commander
    planner: Planner
    wall_clock_ns: Callable[[], int]
    trouble: Callable[[], list[Refusal]]
    changes: Callable[[Conditioning, np.ndarray], list[str]]
    speed: Callable[[], float]
    real_time_priority: int

    def first_trouble(self) -> Refusal | None:
        """Return the first of ``trouble``, if there is one."""
        return next(iter(self.trouble()), None)


class ReplayGoal:
    """One goal; :meth:`run` blocks until it has ended, the other methods may be called meanwhile.

    Args:
        episode_id: as in the goal.
        request: the trajectory as it came.
        goal_time_s: time allowed to arrive after the last command.
        conditioning: what the trajectory was generated from.
        path_tolerance, goal_tolerance: (D,); None for the profile's.
        robot: the robot.
        on_change: called after each change of phase and each new plan.
        canceled: whether the client has asked for the end.

    Attributes:
        warnings: what differs from the conditioning image, while the plan waits for approval, and
            why the plan takes the place of one that was approved.
        real_time: what came of asking for real-time priority.
    """

    def __init__(
        self,
        *,
        episode_id: str,
        request: TrajectoryRequest,
        goal_time_s: float,
        conditioning: Conditioning,
        path_tolerance: np.ndarray | None = None,
        goal_tolerance: np.ndarray | None = None,
        robot: Robot,
        on_change: Callable[[], None],
        canceled: Callable[[], bool],
    ):
        self.episode_id = episode_id
        self.plan_id = ''
        self.phase = ReplayState.PHASE_PLANNING
        self.plan: Plan | None = None
        self.motion: Motion | None = None
        self.schedule: Schedule | None = None
        self.warnings: list[str] = []
        self.real_time = ''
        self._conditioning = conditioning
        self._path_tolerance = path_tolerance
        self._goal_tolerance = goal_tolerance
        self._request = request
        self._goal_time_s = goal_time_s
        self._robot = robot
        self._on_change = on_change
        self._canceled = canceled
        self._lock = threading.Lock()
        self._approved_plan: str | None = None
        self._replaced: list[str] = []
        self._stops: list[Refusal] = []
        self._told = 0
        self._cancel_told = False

    def stop(self, reason: Refusal) -> None:
        """End this goal as soon as the limits allow; the first reason becomes its outcome."""
        with self._lock:
            self._stops.append(reason)

    def approve(self, episode_id: str, plan_id: str) -> str:
        """Let the plan on show move the robot; return why not, or ''."""
        with self._lock:
            if self.phase != ReplayState.PHASE_AWAITING_APPROVAL:
                return 'no plan is waiting for approval'
            if (episode_id, plan_id) != (self.episode_id, self.plan_id):
                return (
                    f'plan {plan_id!r} of episode {episode_id!r} is not on show; '
                    f'plan {self.plan_id!r} of episode {self.episode_id!r} is'
                )
            if self._stops:
                return self._stops[0].message
            self._approved_plan = plan_id
            return ''

    def compare(self) -> None:
        """Look whether scene and arms are as in the conditioning image; see ``warnings``."""
        changes = self._robot.changes(self._conditioning, self._robot.feedback.pose)
        self.warnings = [*self._replaced, *changes]

    def run(self, *, automatic: bool, dry_run: bool) -> Refusal | None:
        """Serve the goal; return None after success, else why not.

        Args:
            automatic: approve each plan at once.
            dry_run: end after the approval instead of moving.
        """
        feedback, profile = self._robot.feedback, self._robot.profile
        for _ in range(MAX_PLANS):
            reason = self._make_plan() or self._wait_for_approval(automatic)
            if reason is not None:
                return reason
            if dry_run:
                return Refusal(
                    ErrorCode.DRY_RUN, 'dry_run is set: planned and approved, not moved'
                )
            reason = (
                feedback.stale(time.monotonic_ns())
                or self._robot.first_trouble()
                or self._robot.commander.conflict()
                or self._asked_to_stop()
            )
            if reason is not None:
                return reason
            reason = moved(self.plan, feedback.pose, profile)
            if reason is None:
                return self._move() or self._settle()
            self._replaced = [f'{NEW_PLAN}: {reason.message}']
        return reason

    def _make_plan(self) -> Refusal | None:
        self._enter(ReplayState.PHASE_PLANNING)
        feedback = self._robot.feedback
        reason = feedback.stale(time.monotonic_ns())
        if reason is not None:
            return reason
        plan = self._robot.planner.plan(self._request, feedback.pose)
        reason = self._asked_to_stop()
        if reason is not None:
            return reason
        if isinstance(plan, Refusal):
            return plan
        with self._lock:
            self.plan, self.plan_id = plan, uuid.uuid4().hex[:12]
        return None

    def _wait_for_approval(self, automatic: bool) -> Refusal | None:
        self.compare()
        self._enter(ReplayState.PHASE_AWAITING_APPROVAL)
        if automatic:
            self.approve(self.episode_id, self.plan_id)
        limit = self._robot.profile.safety.approval_timeout_s
        deadline = time.monotonic() + limit
        compared = time.monotonic()
        while self._approved_plan != self.plan_id:
            reason = self._asked_to_stop()
            if reason is not None:
                return reason
            if time.monotonic() > deadline:
                text = f'nobody approved plan {self.plan_id} within {limit:.0f} s'
                return Refusal(ErrorCode.APPROVAL_TIMEOUT, text, limit=limit)
            if time.monotonic() > compared + COMPARE_S:
                compared = time.monotonic()
                self.compare()
            time.sleep(POLL_S)
        return None

    def _move(self) -> Refusal | None:
        robot = self._robot
        motion = Motion(self.plan, robot.profile, self._path_tolerance)
        with real_time(robot.real_time_priority) as self.real_time:
            self.schedule = new_schedule(robot.profile, robot.wall_clock_ns())
            self.motion = motion
            return self._stream()

    def _stream(self) -> Refusal | None:
        robot = self._robot
        stream(
            self.motion,
            robot.feedback,
            robot.commander,
            self.schedule,
            max_lateness_ns=round(robot.profile.safety.max_lateness_s * 1e9),
            before_tick=self._before_tick,
        )
        return self.motion.ending

    def _before_tick(self) -> list[Refusal]:
        self.motion.set_speed(self._robot.speed())
        # Each counts even when something else has ended the motion before.
        self._asked_to_stop()
        reasons = self._stops[self._told :]
        self._told += len(reasons)
        reasons = self._robot.trouble() + reasons
        if reasons or self.motion.ending is not None:
            self._enter(ReplayState.PHASE_DECELERATING)
        elif self.motion.path_time < self.plan.approach_duration:
            self._enter(ReplayState.PHASE_APPROACH)
        else:
            self._enter(ReplayState.PHASE_EXECUTING)
        return reasons

    def _settle(self) -> Refusal | None:
        self._enter(ReplayState.PHASE_SETTLING)
        feedback, profile = self._robot.feedback, self._robot.profile
        deadline = time.monotonic() + self._goal_time_s
        while True:
            reason = (
                feedback.stale(time.monotonic_ns())
                or self._robot.first_trouble()
                or self._asked_to_stop()
                or self.motion.off_path(feedback.latest)
            )
            if reason is not None:
                return self._give_way(reason) if reason.code in YIELDING else reason
            reason = arrived(self.plan, feedback.pose, profile, self._goal_tolerance)
            if reason is None or time.monotonic() > deadline:
                return reason
            time.sleep(POLL_S)

    def _give_way(self, reason: Refusal) -> Refusal | None:
        """Send the target from where it rests to where the arms are."""
        self.motion.stop(reason)
        with real_time(self._robot.real_time_priority) as self.real_time:
            self.schedule.resume(time.monotonic_ns())
            return self._stream()

    def _asked_to_stop(self) -> Refusal | None:
        if not self._cancel_told and self._canceled():
            self._cancel_told = True
            self.stop(Refusal(ErrorCode.CANCELED, 'canceled by the client'))
        return self._stops[0] if self._stops else None

    def _enter(self, phase: int) -> None:
        with self._lock:
            if phase == self.phase and phase != ReplayState.PHASE_PLANNING:
                return
            self.phase = phase
        self._on_change()
