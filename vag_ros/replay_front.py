"""The front of the replay server: the action ReplayTrajectory, turned into requests and back."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from trajectory_msgs.msg import JointTrajectory

from vag_core.safety.outcome import ErrorCode, Refusal
from vag_ros.action import ReplayTrajectory
from vag_ros.convert import to_ns
from vag_ros.msg import ClampReport, ReplayState
from vag_ros.replay_goal import ReplayGoal
from vag_ros.replay_scene import Conditioning


@dataclass(frozen=True)
class GoalRequest:
    """What a goal of any front asks for.

    Attributes:
        episode_id: names the goal to people and to approvals.
        trajectory: as it came.
        goal_time_s: time to arrive; None for the profile's own.
        conditioning: what it was generated from.
        path_tolerance, goal_tolerance: (D,) where they differ from the profile's.
        wait_for_approval: even where the server approves by itself.
    """

    episode_id: str
    trajectory: JointTrajectory
    goal_time_s: float | None
    conditioning: Conditioning
    path_tolerance: np.ndarray | None = None
    goal_tolerance: np.ndarray | None = None
    wait_for_approval: bool = False


class Front(Protocol):
    """One action type whose goals this server serves."""

    action: type
    name: str

    def request(self, goal: Any) -> GoalRequest | Refusal:
        """Read a goal message."""

    def result(self, outcome: Refusal, goal: ReplayGoal | None, report: ClampReport | None) -> Any:
        """Build the result message."""

    def feedback(self, state: ReplayState) -> Any:
        """Build a feedback message."""


def read_goal_time(goal: Any) -> float | Refusal | None:
    """Return the goal's ``goal_time_tolerance`` in s; None for 0, which leaves it to us."""
    goal_time = to_ns(goal.goal_time_tolerance) * 1e-9
    if goal_time < 0:
        text = f'goal_time_tolerance = {goal_time} s: must not be negative'
        return Refusal(ErrorCode.INVALID_GOAL, text, value=goal_time, limit=0.0)
    return goal_time or None


class ReplayFront:
    """The server's own action."""

    action = ReplayTrajectory

    def __init__(self, name: str):
        self.name = name

    def request(self, goal: ReplayTrajectory.Goal) -> GoalRequest | Refusal:
        """Read a goal message."""
        goal_time = read_goal_time(goal)
        if isinstance(goal_time, Refusal):
            return goal_time
        return GoalRequest(
            episode_id=goal.episode_id,
            trajectory=goal.trajectory,
            goal_time_s=goal_time,
            conditioning=Conditioning(to_ns(goal.conditioning_stamp), goal.conditioning_image),
            wait_for_approval=goal.wait_for_approval,
        )

    def result(
        self, outcome: Refusal, goal: ReplayGoal | None, report: ClampReport | None
    ) -> ReplayTrajectory.Result:
        """Build the result message."""
        result = ReplayTrajectory.Result(
            error_code=int(outcome.code), error_string=outcome.message
        )
        if goal is not None:
            result.plan_id = goal.plan_id
            if goal.schedule is not None:
                result.commands_sent = goal.schedule.sent
                result.late_ticks = goal.schedule.late_ticks
                result.max_lateness = goal.schedule.max_lateness * 1e-9
                result.delay = goal.schedule.delay * 1e-9
        if report is not None:
            result.clamp_report = report
        return result

    def feedback(self, state: ReplayState) -> ReplayTrajectory.Feedback:
        """Build a feedback message."""
        return ReplayTrajectory.Feedback(
            phase=state.phase,
            plan_id=state.plan_id,
            joint_names=state.joint_names,
            desired=state.desired,
            actual=state.actual,
            error=state.error,
            time_from_start=state.time_from_start,
            motion_duration=state.motion_duration,
            request_time=state.request_time,
            speed_scaling=state.speed_scaling,
        )
