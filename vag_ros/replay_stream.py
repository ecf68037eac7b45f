"""The stream of commands: one message per arm and tick on a monotonic clock."""

import array
import math
import time
from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from vag_core.robot import RobotProfile
from vag_core.safety.feedback import Feedback
from vag_core.safety.motion import Motion
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import command_period_ns
from vag_core.safety.schedule import Schedule
from vag_ros.convert import NS


class Commander:
    """Publishes commands to every arm of the robot in the driver's names, units and order.

    Velocity and effort stay empty: some drivers read speed and force settings out of them. No
    more commands are kept for a receiver that lags than ``max_lateness_s`` permits: an older one
    would have stopped the motion, so it must not reach an arm later in a burst.
    """

    def __init__(self, node: Node, profile: RobotProfile):
        self._node = node
        depth = math.ceil(profile.safety.max_lateness_s * profile.command_rate_hz)
        qos = QoSProfile(depth=max(depth, 1), reliability=ReliabilityPolicy.RELIABLE)
        self._arms = []
        for arm in profile.arms:
            message = JointState(name=list(arm.driver_joints))
            message.position = array.array('d', bytes(8 * len(arm.driver_joints)))
            scale, offset = profile.driver_affine(arm)
            publisher = node.create_publisher(JointState, arm.command_topic, qos)
            # Made once and written in place, tick by tick.
            values = np.frombuffer(message.position)
            self._arms.append(
                (arm, profile.arm_slice(arm), publisher, message, values, scale, offset)
            )

    def send(self, position: np.ndarray, stamp_ns: int) -> None:
        """Publish the (D,) position, rad and m, for all arms with the same stamp."""
        seconds, nanoseconds = divmod(stamp_ns, NS)
        for _, where, publisher, message, values, scale, offset in self._arms:
            message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
            np.multiply(position[where], scale, out=values)
            np.add(values, offset, out=values)
            publisher.publish(message)

    def unheard(self) -> list[str]:
        """Command topics that nobody subscribes to."""
        return [
            arm.command_topic
            for arm, _, publisher, *_ in self._arms
            if not publisher.get_subscription_count()
        ]

    def conflict(self) -> Refusal | None:
        """Why these arms are not ours alone, or None.

        A second publisher on a command topic is another controller or a leader arm; a second one
        on a feedback topic is another driver, such as a real arm beside the simulated one, that
        would obey the same commands.
        """
        for arm, *_ in self._arms:
            for topic, what in (
                (arm.command_topic, 'command'),
                (arm.feedback_topic, 'measure'),
            ):
                infos = self._node.get_publishers_info_by_topic(topic)
                if len(infos) > 1:
                    who = ', '.join(sorted(f'{i.node_namespace}/{i.node_name}' for i in infos))
                    text = f'{len(infos)} nodes {what} arm {arm.name} on {topic}: {who}'
                    return Refusal(ErrorCode.COMMAND_CONFLICT, text.replace('//', '/'))
        return None


def stream(
    motion: Motion,
    feedback: Feedback,
    commander: Commander,
    schedule: Schedule,
    *,
    max_lateness_ns: int,
    before_tick: Callable[[], list[Refusal]],
) -> None:
    """Send the commands of ``motion``, each when it is due, until it is over.

    ``before_tick`` is called before each tick and returns the reasons to stop that there are.

    A tick later than ``max_lateness_ns`` is not sent, and nothing follows it: by then the arms
    have come to rest at their last target, and going on at speed would be a jerk.
    """
    while True:
        wait = schedule.due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait * 1e-9)
        if _too_late(motion, schedule, max_lateness_ns):
            return
        for reason in before_tick():
            motion.stop(reason)
        command = motion.tick(feedback.latest, feedback.stale(time.monotonic_ns()))
        # Whatever suspends this process can do so here as well as above.
        if command is None or _too_late(motion, schedule, max_lateness_ns):
            return
        commander.send(command, schedule.stamp)
        sent_late = _too_late(motion, schedule, max_lateness_ns)
        schedule.count(time.monotonic_ns())
        if motion.over or sent_late:
            return


def _too_late(motion: Motion, schedule: Schedule, limit_ns: int) -> bool:
    """Give the motion up, whatever else is ending it, when its present tick is overdue."""
    lateness = time.monotonic_ns() - schedule.due
    if lateness <= limit_ns:
        return False
    schedule.max_lateness = max(schedule.max_lateness, lateness)
    motion.ending = late(lateness, limit_ns)
    return True


def late(lateness_ns: int, limit_ns: int) -> Refusal:
    """Why a motion ends whose command came too late."""
    value, limit = lateness_ns * 1e-9, limit_ns * 1e-9
    text = f'a command was {value:.3f} s late; max_lateness_s = {limit:.3f} s'
    return Refusal(ErrorCode.COMMAND_LATE, text, value=value, limit=limit)


def new_schedule(profile: RobotProfile, wall_clock_ns: int) -> Schedule:
    """Start a schedule now, whose stamps count from ``wall_clock_ns``."""
    return Schedule(command_period_ns(profile), time.monotonic_ns(), wall_clock_ns)
