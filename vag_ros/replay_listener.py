"""What the replay server hears of the robot while it moves: joint states, status, heartbeat."""

import importlib
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from std_msgs.msg import Empty

from vag_core.robot import Arm, RobotProfile
from vag_core.safety.driver_status import DriverStatus
from vag_core.safety.feedback import Feedback
from vag_core.safety.heartbeat import Heartbeat
from vag_ros import names
from vag_ros.replay_feedback import LOG_PERIOD_S, PAUSE_S, subscribe_joints
from vag_ros.side_node import SideNode


class RobotListener:
    """Keeps ``feedback``, ``status`` and ``heartbeat`` up to date until :meth:`close`.

    Args:
        server: the node whose name and namespace the listening one takes after.
        profile: names the topics.
        heartbeat_timeout_s: longest time between two heartbeats; 0 asks for none.
    """

    def __init__(self, server: Node, profile: RobotProfile, heartbeat_timeout_s: float):
        self._log = server.get_logger()
        types = [self._status_type(arm) for arm in profile.arms]
        self.feedback = Feedback(profile)
        self.status = DriverStatus(profile, [i for i, t in enumerate(types) if t is not None])
        self.heartbeat = Heartbeat(heartbeat_timeout_s, names.HEARTBEAT)
        self._side = SideNode(server, 'feedback', PAUSE_S)
        subscribe_joints(self._side.node, profile, self.feedback, self._log)
        for index, arm in enumerate(profile.arms):
            if types[index] is not None:
                self._subscribe(
                    types[index],
                    arm.status.topic,
                    lambda message, index=index: self._take_status(index, message),
                )
        if heartbeat_timeout_s:
            self._subscribe(
                Empty, names.HEARTBEAT, lambda _: self.heartbeat.beat(time.monotonic_ns())
            )
        self._side.start()

    def close(self) -> None:
        """Stop listening."""
        self._side.close()

    def _subscribe(self, kind: type, topic: str, callback: Callable) -> None:
        self._side.node.create_subscription(kind, topic, callback, names.FEEDBACK_QOS)

    def _status_type(self, arm: Arm) -> type | None:
        if arm.status is None:
            return None
        try:
            return find_type(arm.status.type)
        except ImportError as error:
            self._log.warning(
                f'the status of arm {arm.name} on {arm.status.topic} is not watched: '
                f'{arm.status.type} is not installed ({error})'
            )
            return None

    def _take_status(self, arm: int, message: Any) -> None:
        fault = self.status.update(arm, message, time.monotonic_ns())
        if fault is not None:
            self._log.warning(fault.message, throttle_duration_sec=LOG_PERIOD_S)


def find_type(name: str) -> type:
    """Import an interface by its name, as in ``ros2 topic type``: ``std_msgs/msg/Int32``.

    Raises:
        ImportError: its package is not installed, or has no such interface.
    """
    package, kind, interface = name.split('/')
    module = importlib.import_module(f'{package}.{kind}')
    try:
        return getattr(module, interface)
    except AttributeError:
        raise ImportError(f'{package}.{kind} has no {interface}') from None
