"""Listens to the arms' joint states in a node and thread of its own."""

import time

from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node
from sensor_msgs.msg import JointState

from vag_core.robot import RobotProfile
from vag_core.safety.feedback import Feedback
from vag_ros import names
from vag_ros.side_node import SideNode

# After each message: two arms at 200 Hz are then heard at about 100 Hz each, newest first.
PAUSE_S = 0.004
LOG_PERIOD_S = 5.0


class FeedbackListener:
    """Keeps ``feedback`` up to date until :meth:`close`.

    Args:
        owner: the node whose name and namespace this one takes after.
        profile: names the topics.
        feedback: receives the joint states.
    """

    def __init__(self, owner: Node, profile: RobotProfile, feedback: Feedback):
        self._side = SideNode(owner, 'feedback', PAUSE_S)
        subscribe_joints(self._side.node, profile, feedback, owner.get_logger())
        self._side.start()

    def close(self) -> None:
        """Stop listening."""
        self._side.close()


def subscribe_joints(
    node: Node, profile: RobotProfile, feedback: Feedback, log: RcutilsLogger
) -> None:
    """Subscribe ``node`` to the joint states of every arm."""

    def take(arm: int, message: JointState) -> None:
        problem = feedback.update(arm, message.name, message.position, time.monotonic_ns())
        if problem:
            log.warning(problem, throttle_duration_sec=LOG_PERIOD_S)

    for index, arm in enumerate(profile.arms):
        node.create_subscription(
            JointState,
            arm.feedback_topic,
            lambda message, index=index: take(index, message),
            names.FEEDBACK_QOS,
        )
