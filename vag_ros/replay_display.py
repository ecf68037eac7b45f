"""What the replay server shows of a plan: its trajectory, what it changed, and the ghost robot."""

import time

from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vag_core.robot import RobotProfile
from vag_ros import names
from vag_ros.msg import ClampReport
from vag_ros.replay_goal import ReplayGoal
from vag_ros.replay_messages import clamp_report, floats, planned_trajectory


class Display:
    """Publishes plans for people and recorders."""

    def __init__(self, node: Node, profile: RobotProfile):
        self._clock = node.get_clock()
        self._profile = profile
        self._report = node.create_publisher(ClampReport, names.CLAMP_REPORT, names.LATCHED_QOS)
        self._planned = node.create_publisher(
            JointTrajectory, names.PLANNED_TRAJECTORY, names.LATCHED_QOS
        )
        self._ghost = node.create_publisher(
            JointState, names.PREVIEW_JOINT_STATES, names.STATE_QOS
        )

    def show(self, goal: ReplayGoal) -> None:
        """Publish the goal's new plan and its report."""
        stamp = self._clock.now().to_msg()
        self._planned.publish(planned_trajectory(goal.plan, self._profile, stamp))
        self.report(goal)

    def report(self, goal: ReplayGoal) -> ClampReport:
        """Publish and return what the plan changed, and the saturated commands so far."""
        saturated = goal.motion.saturated if goal.motion is not None else 0
        report = clamp_report(goal.plan, self._profile, goal.episode_id, goal.plan_id, saturated)
        self._report.publish(report)
        return report

    def ghost(self, goal: ReplayGoal) -> None:
        """Publish where the robot would be now if the plan ran over and over again."""
        plan = goal.plan
        tick = int(time.monotonic() / plan.period) % len(plan.positions)
        message = JointState(
            name=list(self._profile.joint_names), position=floats(plan.positions[tick])
        )
        message.header.stamp = self._clock.now().to_msg()
        self._ghost.publish(message)
