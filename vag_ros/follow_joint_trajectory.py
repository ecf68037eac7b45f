"""The second front: control_msgs/action/FollowJointTrajectory, where control_msgs is installed.

Any client of a joint trajectory controller can then send trajectories; planner, approval and
executor are the server's own. Codes 0 to -5 are those of that action; every other reason ends as
INVALID_GOAL (-1) with its name before the error string.
"""

import importlib
import uuid
from types import ModuleType
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_ros import names
from vag_ros.msg import ClampReport, ReplayState
from vag_ros.replay_front import GoalRequest, read_goal_time
from vag_ros.replay_goal import ReplayGoal
from vag_ros.replay_scene import Conditioning

SHARED = (
    ErrorCode.SUCCESSFUL,
    ErrorCode.INVALID_GOAL,
    ErrorCode.INVALID_JOINTS,
    ErrorCode.OLD_HEADER_TIMESTAMP,
    ErrorCode.PATH_TOLERANCE_VIOLATED,
    ErrorCode.GOAL_TOLERANCE_VIOLATED,
)
# In a tolerance of that action: 0 leaves it to the controller, -1 switches it off.
UNLIMITED = -1.0


def follow_front(node: Node, profile: RobotProfile) -> 'FollowFront | None':
    """Return the front, or None, said once in the log, where control_msgs is not installed."""
    try:
        action = importlib.import_module('control_msgs.action').FollowJointTrajectory
    except ImportError:
        node.get_logger().info(
            f'{names.FOLLOW_JOINT_TRAJECTORY} is not offered: control_msgs is not installed'
        )
        return None
    return FollowFront(action, names.FOLLOW_JOINT_TRAJECTORY, profile)


class FollowFront:
    """Goals as a joint trajectory controller takes them.

    Its tolerances of positions are honoured, with one exception: along the path nobody may allow
    more error than the profile does. Those of velocities and accelerations, which nobody measures
    here, are refused.
    """

    def __init__(self, action: type | ModuleType, name: str, profile: RobotProfile):
        self.action = action
        self.name = name
        self._profile = profile

    def request(self, goal: Any) -> GoalRequest | Refusal:
        """Read a goal message."""
        if goal.multi_dof_trajectory.points:
            text = 'multi_dof_trajectory: this robot has single joints only'
            return Refusal(ErrorCode.INVALID_GOAL, text)
        goal_time = read_goal_time(goal)
        path = self._tolerance('path_tolerance', goal.path_tolerance)
        end = self._tolerance('goal_tolerance', goal.goal_tolerance)
        for value in (goal_time, path, end):
            if isinstance(value, Refusal):
                return value
        return GoalRequest(
            episode_id=f'follow_{uuid.uuid4().hex[:8]}',
            trajectory=goal.trajectory,
            goal_time_s=goal_time,
            conditioning=Conditioning(0, CompressedImage()),
            path_tolerance=np.minimum(path, self._profile.tolerance('path_tolerance')),
            goal_tolerance=end,
        )

    def _tolerance(self, field: str, given: list) -> np.ndarray | Refusal:
        """Return the (D,) tolerances of positions."""
        tolerance = self._profile.tolerance(field)
        for item in given:
            if item.name not in self._profile.joint_names:
                text = f'{field}: joint {item.name!r} is unknown to robot {self._profile.name}'
                return Refusal(ErrorCode.INVALID_JOINTS, text, item.name)
            if not (item.position >= 0 or item.position == UNLIMITED):
                text = (
                    f'{field}: {item.name}: position = {item.position}: must be 0, positive or -1'
                )
                return Refusal(ErrorCode.INVALID_GOAL, text, item.name, value=item.position)
            for kind in ('velocity', 'acceleration'):
                value = getattr(item, kind)
                if value not in (0.0, UNLIMITED):
                    text = f'{field}: {item.name}: {kind} = {value}: must be 0 or -1: not measured'
                    return Refusal(ErrorCode.INVALID_GOAL, text, item.name, value=value)
            if item.position:
                index = self._profile.joint_names.index(item.name)
                tolerance[index] = np.inf if item.position == UNLIMITED else item.position
        return tolerance

    def result(self, outcome: Refusal, goal: ReplayGoal | None, report: ClampReport | None) -> Any:
        """Build the result message."""
        shared = outcome.code in SHARED
        code = outcome.code if shared else ErrorCode.INVALID_GOAL
        text = outcome.message if shared else f'{outcome.code.name}: {outcome.message}'
        return self.action.Result(error_code=int(code), error_string=text)

    def feedback(self, state: ReplayState) -> Any:
        """Build a feedback message."""
        message = self.action.Feedback(
            joint_names=state.joint_names,
            desired=state.desired,
            actual=state.actual,
            error=state.error,
        )
        message.header = state.header
        return message
