"""Listens to the arms' joint states in a thread of its own.

Drivers publish at up to 200 Hz per arm. An executor looks at every entity of its nodes for every
message, so a node with nothing but these subscriptions costs a fraction of what the server's own
node would; and no other callback can delay it.
"""

import contextlib
import threading
import time

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState

from vag_core.robot import RobotProfile
from vag_core.safety.feedback import Feedback
from vag_ros import names

# After each message: two arms at 200 Hz are then heard at about 100 Hz each, newest first.
PAUSE_S = 0.004


class FeedbackListener:
    """Keeps ``feedback`` up to date until :meth:`close`.

    Args:
        server: the node whose name and namespace this one takes after.
        profile: names the topics.
        feedback: receives the joint states.
    """

    def __init__(self, server: Node, profile: RobotProfile, feedback: Feedback):
        self._feedback = feedback
        self._node = rclpy.create_node(
            f'{server.get_name()}_feedback',
            namespace=server.get_namespace(),
            context=server.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._log = server.get_logger()
        for index, arm in enumerate(profile.arms):
            self._node.create_subscription(
                JointState,
                arm.feedback_topic,
                lambda message, index=index: self._take(index, message),
                names.FEEDBACK_QOS,
            )
        self._closing = threading.Event()
        self._executor = SingleThreadedExecutor(context=server.context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name='feedback', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._thread.join(1.0)
        self._executor.shutdown()
        self._node.destroy_node()

    def _take(self, arm: int, message: JointState) -> None:
        problem = self._feedback.update(arm, message.name, message.position, time.monotonic_ns())
        if problem:
            self._log.warning(problem, throttle_duration_sec=5.0)

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            while not self._closing.is_set():
                self._executor.spin_once(timeout_sec=0.1)
                self._closing.wait(PAUSE_S)
