"""Which topics a recorder subscribes to, with their types and QoS."""

from collections.abc import Iterator
from dataclasses import dataclass

from action_msgs.msg import GoalStatusArray
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool, String
from trajectory_msgs.msg import JointTrajectory

from vag_core.robot import ImageTransport, RobotProfile
from vag_ros import names
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.msg import ClampReport, Episode, ReplayState

GENERATE_STATUS = f'{names.GENERATE_EPISODE}/_action/status'
REPLAY_STATUS = f'{names.REPLAY_TRAJECTORY}/_action/status'

# Deep enough to lose nothing while the recorder stands still for two seconds at 200 Hz.
RELIABLE = QoSProfile(depth=400, reliability=ReliabilityPolicy.RELIABLE)
CAMERA = QoSProfile(depth=60, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(
    depth=20,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


@dataclass(frozen=True)
class RecordedTopic:
    """One topic to record.

    Attributes:
        name: relative to the recorder's namespace, or absolute.
        message_class: its type.
        qos: one subscription each. A volatile subscription alone misses what a latched publisher
            said before; a transient local one alone never hears a volatile publisher.
    """

    name: str
    message_class: type
    qos: tuple[QoSProfile, ...] = (RELIABLE,)


def recorded_topics(profile: RobotProfile) -> Iterator[RecordedTopic]:
    """Yield every topic that belongs to an episode on the robot of ``profile``."""
    for camera in (profile.camera, *profile.other_cameras):
        raw = camera.transport is ImageTransport.RAW
        yield RecordedTopic(camera.topic, Image if raw else CompressedImage, (CAMERA,))
    for arm in profile.arms:
        yield RecordedTopic(arm.command_topic, JointState)
        yield RecordedTopic(arm.feedback_topic, JointState)
    either = (RELIABLE, LATCHED)
    yield RecordedTopic(names.INSTRUCTION, String, either)
    yield RecordedTopic(names.EPISODE, Episode, (LATCHED,))
    yield RecordedTopic(names.GENERATED_VIDEO, CompressedImage)
    yield RecordedTopic(names.REQUESTED_TRAJECTORY, JointTrajectory, either)
    yield RecordedTopic(names.PLANNED_TRAJECTORY, JointTrajectory, either)
    yield RecordedTopic(names.CLAMP_REPORT, ClampReport, either)
    yield RecordedTopic(names.REPLAY_STATE, ReplayState)
    yield RecordedTopic(names.SIM_SUCCESS, Bool, either)
    for action, cls in (
        (names.GENERATE_EPISODE, GenerateEpisode),
        (names.REPLAY_TRAJECTORY, ReplayTrajectory),
    ):
        yield RecordedTopic(f'{action}/_action/feedback', cls.Impl.FeedbackMessage)
    yield RecordedTopic(GENERATE_STATUS, GoalStatusArray, (LATCHED,))
    yield RecordedTopic(REPLAY_STATUS, GoalStatusArray, (LATCHED,))
    yield RecordedTopic(names.DIAGNOSTICS, DiagnosticArray)
    yield RecordedTopic('/rosout', Log)
