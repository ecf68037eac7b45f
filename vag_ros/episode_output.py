"""A finished generation as an episode: its folder, and the topics that carry it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from trajectory_msgs.msg import JointTrajectory

from vag_core.draw import draw_episode
from vag_core.episode import Episode, save_episode
from vag_core.robot import RobotProfile
from vag_ros import convert, msg, names
from vag_ros.generation_goal import GenerationJob
from vag_ros.provenance import of_generation

if TYPE_CHECKING:
    from vag_core.checkpoint import Checkpoint
    from vag_core.generate import Generated


class EpisodeOutput:
    """Saves and publishes episodes; its methods may be called from any thread.

    Args:
        node: gives the publishers and the clock.
        profile: robot that the actions are meant for.
        folder: receives one folder per episode.
        jpeg_quality: of published frames, 1 to 100.
    """

    def __init__(
        self, node: Node, profile: RobotProfile, folder: str | Path, jpeg_quality: int
    ) -> None:
        self._node = node
        self._profile = profile
        self._folder = Path(folder).expanduser().resolve()
        self._jpeg_quality = jpeg_quality
        self._episodes = node.create_publisher(msg.Episode, names.EPISODE, names.LATCHED_QOS)
        self._trajectories = node.create_publisher(
            JointTrajectory, names.REQUESTED_TRAJECTORY, names.LATCHED_QOS
        )
        self._frames = node.create_publisher(
            CompressedImage, names.GENERATED_VIDEO, names.VIDEO_QOS
        )

    def save(
        self, job: GenerationJob, generated: 'Generated', checkpoint: 'Checkpoint'
    ) -> tuple[Episode, Path]:
        """Make an episode of what was generated, save it, and return it with its folder."""
        stamp_ns = self._node.get_clock().now().nanoseconds
        name = f'{datetime.now(UTC):%Y%m%dT%H%M%SZ}_s{job.seed}'
        folder, number = self._folder / name, 1
        while folder.exists():
            number += 1
            folder = self._folder / f'{name}_{number}'
        episode = Episode(
            episode_id=folder.name,
            instruction=job.instruction,
            fps=checkpoint.fps,
            embodiment=checkpoint.embodiment,
            actions=generated.actions,
            videos={checkpoint.camera: generated.video},
            stamp_ns=stamp_ns,
            conditioning_image=job.conditioning.data,
            conditioning_stamp_ns=job.conditioning.stamp_ns,
            provenance=of_generation(job, generated, checkpoint, self._profile),
        )
        save_episode(episode, folder, draw_episode)
        return episode, folder

    def publish(self, episode: Episode) -> msg.Episode:
        """Publish an episode as a whole and in its parts, and return the message."""
        message = convert.to_episode_message(episode, self._profile, self._jpeg_quality)
        self._episodes.publish(message)
        self._trajectories.publish(message.trajectory)
        for frame in message.video:
            self._frames.publish(frame)
        return message
