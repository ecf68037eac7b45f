"""Runner: one goal at a time, from any front: which may begin, how it ends, and what ends it."""

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node

from vag_core.safety.following import Standstill
from vag_core.safety.gate import Gate
from vag_core.safety.outcome import FAULTS, ErrorCode, Refusal
from vag_core.safety.scene import image_age
from vag_ros import phases
from vag_ros.msg import ReplayState
from vag_ros.replay_display import Display
from vag_ros.replay_driver import DriverServices
from vag_ros.replay_front import Front, GoalRequest
from vag_ros.replay_goal import POLL_S, ReplayGoal, Robot
from vag_ros.replay_hold import Hold
from vag_ros.replay_messages import fill_state, stamp_refusal, to_request
from vag_ros.replay_parameters import Parameters

# Endings without a braking that our commands have carried out.
UNBRAKED = {ErrorCode.COMMAND_LATE, ErrorCode.SOFTWARE_FAULT}
SHUTTING_DOWN = Refusal(ErrorCode.SHUTTING_DOWN, 'the replay server shuts down')


class Runner:
    """Serves goals one after the other; safe for use from several threads.

    Args:
        node: for its clock and log.
        settings: parameters of the server.
        robot: what a goal moves.
        gate: latched here after a fault.
        hold: of the last target, after a motion.
        drivers: whose gates are shut, and whose arms are stopped, when a motion ends badly.
        display: of plans.
        on_change: called whenever the state has changed.

    Attributes:
        goal: the current or last one; None before the first.
        idle: whether no goal is active.
        stopped: whether the arms are at rest for good.
    """

    def __init__(
        self,
        node: Node,
        settings: Parameters,
        robot: Robot,
        *,
        gate: Gate,
        hold: Hold,
        drivers: DriverServices,
        display: Display,
        on_change: Callable[[], None],
    ):
        self._node = node
        self._settings = settings
        self._robot = robot
        self._gate = gate
        self._hold = hold
        self._drivers = drivers
        self._display = display
        self._on_change = on_change
        self._lock = threading.Lock()
        self._at_rest = threading.Event()
        self._at_rest.set()
        self._closing = False
        self._active: tuple[ServerGoalHandle, Front] | None = None
        self._last_error = Refusal(ErrorCode.SUCCESSFUL, '')
        self.goal: ReplayGoal | None = None
        self.stopped = False

    @property
    def idle(self) -> bool:
        """Whether no goal is active."""
        return self._at_rest.is_set()

    @property
    def phase(self) -> int:
        """As in ReplayState."""
        if self.stopped:
            return ReplayState.PHASE_STOPPED
        if not self.idle:
            return self.goal.phase
        return ReplayState.PHASE_LATCHED if self._gate.latched else ReplayState.PHASE_IDLE

    def execute(self, front: Front, handle: ServerGoalHandle) -> Any:
        """Serve a goal of ``front`` from its acceptance to its result, which is returned."""
        request = front.request(handle.request)
        goal = self._begin(front, handle, request)
        if isinstance(goal, Refusal):
            return self._end(front, handle, goal, None)
        automatic = self._settings.approval == 'auto' and not request.wait_for_approval
        try:
            outcome = goal.run(automatic=automatic, dry_run=self._settings.dry_run)
        except Exception as error:
            self._node.get_logger().error(traceback.format_exc())
            outcome = Refusal(ErrorCode.SOFTWARE_FAULT, f'the replay server failed: {error!r}')
        try:
            if goal.motion is not None:
                self._after_motion(goal, outcome)
            return self._end(front, handle, outcome or Refusal(ErrorCode.SUCCESSFUL, ''), goal)
        finally:
            self._active = None
            with self._lock:  # a stop comes before, and is seen here, or after, and sees the rest
                if not (self._gate.armed or self._settings.dry_run):
                    self._drivers.close_gates()
                self._at_rest.set()
            self._on_change()

    def halt(self, close_gate: Callable[[], None], reason: Refusal) -> None:
        """Close the gate and end the active goal, in one step: no goal can slip in between."""
        with self._lock:
            close_gate()
            if not self.idle:
                self.goal.stop(reason)
            else:
                self._hold.end()
                if not self._settings.dry_run:
                    self._drivers.close_gates()
        self._on_change()

    def reset(self) -> bool:
        """Open the latch while no goal is active; return whether it is open."""
        with self._lock:
            if self.idle:
                self._gate.reset()
            return self.idle

    def shut_down(self, patience_s: float) -> None:
        """Bring the arms to rest and take no goals any more; see ``stopped``.

        After a motion it waits, within the same patience, until the arms are measured to stand
        still as well: what outlives this node then hears of all of it.
        """

        def close() -> None:
            self._closing = True

        deadline = time.monotonic() + patience_s
        self.halt(close, SHUTTING_DOWN)
        if self.goal is None or self.goal.motion is None:
            self._robot.planner.close()
        at_rest = self._at_rest.wait(patience_s)
        if not at_rest:
            self._node.get_logger().error(f'still braking after {patience_s} s')
        elif self.goal and self.goal.motion and not self._arms_stand(deadline):
            self._node.get_logger().warning('the arms were not measured to stand still')
        self.stopped = at_rest

    def _arms_stand(self, deadline: float) -> bool:
        feedback, standstill = self._robot.feedback, Standstill(self._robot.profile)
        while not standstill.reached(feedback.latest):
            if time.monotonic() > deadline or feedback.stale(time.monotonic_ns()) is not None:
                return False
            time.sleep(POLL_S)
        return True

    def publish_feedback(self, state: ReplayState) -> None:
        """Tell the client of the active goal, if there is one."""
        active = self._active
        if active is not None and active[0].is_active:
            handle, front = active
            handle.publish_feedback(front.feedback(state))

    def state(self, speed_wanted: float) -> ReplayState:
        """Return the present state."""
        phase = self.phase
        state = ReplayState(
            phase=phase,
            phase_name=phases.NAMES[phase],
            armed=self._gate.armed,
            latched=self._gate.latched,
            dry_run=self._settings.dry_run,
            latch_reason=self._gate.latch_reason,
            last_error_code=int(self._last_error.code),
            last_error_string=self._last_error.message,
            joint_names=list(self._robot.profile.joint_names),
            speed_scaling_wanted=speed_wanted,
        )
        state.header.stamp = self._node.get_clock().now().to_msg()
        fill_state(state, self.goal, self._robot.feedback.pose)
        return state

    def _begin(
        self, front: Front, handle: ServerGoalHandle, request: GoalRequest | Refusal
    ) -> ReplayGoal | Refusal:
        with self._lock:
            if self._closing:
                return SHUTTING_DOWN
            if not self.idle:
                text = f'busy with episode {self.goal.episode_id!r}, plan {self.goal.plan_id!r}'
                return Refusal(ErrorCode.BUSY, text)
            if isinstance(request, Refusal):
                return request
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            self._hold.end()
            self.goal = ReplayGoal(
                episode_id=request.episode_id,
                request=to_request(request.trajectory),
                goal_time_s=request.goal_time_s or self._robot.profile.safety.goal_time_s,
                conditioning=request.conditioning,
                path_tolerance=request.path_tolerance,
                goal_tolerance=request.goal_tolerance,
                robot=self._robot,
                on_change=self._on_goal_change,
                canceled=lambda: handle.is_cancel_requested,
            )
            self._active = handle, front
            self._last_error = Refusal(ErrorCode.SUCCESSFUL, '')
            self._at_rest.clear()
            return self.goal

    def _refusal(self, request: GoalRequest) -> Refusal | None:
        now = self._node.get_clock().now().nanoseconds
        checks = [
            lambda: stamp_refusal(request.trajectory, now),
            lambda: image_age(request.conditioning.stamp_ns, now, self._settings.max_image_age),
        ]
        # A dry run sends no command: its plans may be looked at before anything is armed.
        if not self._settings.dry_run:
            checks = [self._gate.refusal, self._robot.first_trouble, *checks]
        return next((reason for check in checks if (reason := check()) is not None), None)

    def _on_goal_change(self) -> None:
        if self.goal.phase == ReplayState.PHASE_AWAITING_APPROVAL:
            self._display.show(self.goal)
        self._on_change()

    def _after_motion(self, goal: ReplayGoal, outcome: Refusal | None) -> None:
        code = outcome.code if outcome is not None else ErrorCode.SUCCESSFUL
        fault = outcome if code in FAULTS else goal.motion.fault
        if fault is not None:
            self._gate.latch(fault.message)
        if code in UNBRAKED:
            self._drivers.stop_arms()
        elif code is not ErrorCode.COMMAND_CONFLICT:
            self._hold.begin(goal.motion.command)

    def _end(
        self, front: Front, handle: ServerGoalHandle, outcome: Refusal, goal: ReplayGoal | None
    ) -> Any:
        planned = goal is not None and goal.plan is not None
        report = self._display.report(goal) if planned else None
        if outcome.code is ErrorCode.SUCCESSFUL:
            handle.succeed()
        elif outcome.code is ErrorCode.CANCELED:
            handle.canceled()
        else:
            self._node.get_logger().warning(f'{outcome.code.name}: {outcome.message}')
            handle.abort()
        self._last_error = outcome
        return front.result(outcome, goal, report)
