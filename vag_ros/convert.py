"""Where core types and ROS messages meet: images, stamps, trajectories and episodes.

Stamps and times are integer nanoseconds on the core's side. Positions are float64 in trajectories;
the float32 actions of an episode come back exactly.
"""

import array
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vag_core import images
from vag_core.configuration import load, to_mapping
from vag_core.embodiment import Embodiment
from vag_core.episode import Episode
from vag_core.robot import RobotProfile
from vag_ros import msg

try:
    import cv_bridge
except ImportError:  # comes with a ROS 2 installation only
    cv_bridge = None

NS = 1_000_000_000
CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1}


def to_time(stamp_ns: int) -> Time:
    """Turn nanoseconds since the epoch into a Time."""
    sec, nanosec = divmod(stamp_ns, NS)
    return Time(sec=sec, nanosec=nanosec)


def to_duration(duration_ns: int) -> Duration:
    """Turn nanoseconds into a Duration."""
    sec, nanosec = divmod(duration_ns, NS)
    return Duration(sec=sec, nanosec=nanosec)


def to_ns(value: Time | Duration) -> int:
    """Turn a Time or Duration into nanoseconds."""
    return value.sec * NS + value.nanosec


def step_ns(step: int, fps: float) -> int:
    """Return the time of ``step`` at ``fps``: step / fps, rounded once to a nanosecond."""
    return round(Fraction(step * NS) / Fraction(fps))


def read_image(message: CompressedImage | Image) -> tuple[bytes, np.ndarray]:
    """Return the encoded bytes of an image message and its (H, W, 3) uint8 RGB pixels.

    A compressed image keeps its bytes; a raw one becomes PNG, which loses nothing.

    Raises:
        ValueError: naming the field that is wrong.
    """
    if isinstance(message, CompressedImage):
        data = bytes(message.data)
        try:
            return data, images.decode_image(data)
        except ValueError as error:
            raise ValueError(f'image.data (format {message.format!r}): {error}') from None
    pixels = raw_to_rgb(message)
    return images.encode_png(pixels), pixels


def raw_to_rgb(message: Image) -> np.ndarray:
    """Return the pixels of a raw image as (H, W, 3) uint8 RGB, whatever its row padding.

    Where cv_bridge is installed it reads every encoding that it knows; elsewhere these few lines
    read the common ones of 8 bits per channel.

    Raises:
        ValueError: the encoding is unknown, or height, width, step and data contradict each other.
    """
    height, width, step = message.height, message.width, message.step
    if not height or not width:
        raise ValueError(f'image: {height} x {width} pixels: must not be empty')
    if len(message.data) < height * step:
        raise ValueError(f'image.data: {len(message.data)} bytes for {height} rows of {step}')
    if cv_bridge is not None:
        return _with_cv_bridge(message)
    channels = CHANNELS.get(message.encoding)
    if channels is None:
        raise ValueError(
            f'image.encoding = {message.encoding!r}: without cv_bridge only '
            f'{", ".join(CHANNELS)} are read'
        )
    if step < width * channels:
        raise ValueError(
            f'image.step = {step}: {width} pixels of {message.encoding} need {width * channels}'
        )
    rows = np.frombuffer(message.data, np.uint8, height * step).reshape(height, step)
    pixels = rows[:, : width * channels].reshape(height, width, channels)
    if channels == 1:
        return np.repeat(pixels, 3, axis=2)
    order = (2, 1, 0) if message.encoding.startswith('bgr') else (0, 1, 2)
    return np.ascontiguousarray(pixels[:, :, order])


def _with_cv_bridge(message: Image) -> np.ndarray:
    try:
        return cv_bridge.CvBridge().imgmsg_to_cv2(message, 'rgb8')
    except cv_bridge.CvBridgeError as error:
        raise ValueError(f'image.encoding = {message.encoding!r}: {error}') from None


def to_compressed(data: bytes, stamp_ns: int = 0, frame_id: str = '') -> CompressedImage:
    """Wrap JPEG or PNG bytes."""
    return CompressedImage(
        header=Header(stamp=to_time(stamp_ns), frame_id=frame_id),
        format='png' if data.startswith(b'\x89PNG') else 'jpeg',
        data=array.array('B', data),
    )


def to_trajectory(
    joint_names: Sequence[str], positions: np.ndarray, fps: float
) -> JointTrajectory:
    """Turn (T, D) positions at ``fps`` into a trajectory that may start now (header.stamp 0)."""
    points = [
        JointTrajectoryPoint(
            positions=array.array('d', np.asarray(row, np.float64).tobytes()),
            time_from_start=to_duration(step_ns(step, fps)),
        )
        for step, row in enumerate(positions)
    ]
    return JointTrajectory(joint_names=list(joint_names), points=points)


def from_trajectory(trajectory: JointTrajectory) -> tuple[np.ndarray, np.ndarray]:
    """Return the (T, D) float64 positions and the (T,) int64 times from start in nanoseconds.

    Raises:
        ValueError: naming the first point whose number of positions is not that of the joints.
    """
    dimension = len(trajectory.joint_names)
    for index, point in enumerate(trajectory.points):
        if len(point.positions) != dimension:
            raise ValueError(
                f'points[{index}].positions: {len(point.positions)} values '
                f'for {dimension} joint_names'
            )
    positions = [np.asarray(point.positions, np.float64) for point in trajectory.points]
    times = [to_ns(point.time_from_start) for point in trajectory.points]
    return np.reshape(positions, (-1, dimension)), np.array(times, np.int64)


def to_episode_message(
    episode: Episode, profile: RobotProfile, jpeg_quality: int = 95
) -> msg.Episode:
    """Turn a generated episode with one video into a message for the robot of ``profile``.

    Actions become the robot's units through the embodiment. Measured states and the success label
    do not belong to a generated episode and are not carried.

    Raises:
        ValueError: the episode has not exactly one video, or not the robot's dimensions.
    """
    if len(episode.videos) != 1:
        raise ValueError(f'videos: {len(episode.videos)} cameras, an Episode message has one')
    dimension = len(profile.joint_names)
    if episode.embodiment.dimension != dimension:
        raise ValueError(
            f'embodiment {episode.embodiment.name}: {episode.embodiment.dimension} dimensions, '
            f'robot {profile.name} has {dimension} joints'
        )
    ((camera, video),) = episode.videos.items()
    frame_id = profile.camera.frame_id
    made = {key: episode.provenance.get(key, '') for key in ('checkpoint', 'checkpoint_hash')}
    everything_else = {**episode.provenance, 'embodiment': to_mapping(episode.embodiment)}
    return msg.Episode(
        header=Header(stamp=to_time(episode.stamp_ns), frame_id=frame_id),
        episode_id=episode.episode_id,
        instruction=episode.instruction,
        seed=episode.provenance.get('seed', 0),
        embodiment=episode.embodiment.name,
        robot_profile=profile.name,
        **made,
        evaluation=episode.provenance.get('evaluation', ''),
        fps=float(episode.fps),
        camera=camera,
        conditioning_stamp=to_time(episode.conditioning_stamp_ns),
        conditioning_image=to_compressed(
            episode.conditioning_image or b'', episode.conditioning_stamp_ns, frame_id
        ),
        video=[
            to_compressed(
                images.encode_jpeg(frame, jpeg_quality),
                episode.stamp_ns + step_ns(step, episode.fps),
                frame_id,
            )
            for step, frame in enumerate(video)
        ],
        trajectory=to_trajectory(
            profile.joint_names, episode.embodiment.to_robot(episode.actions), episode.fps
        ),
        provenance_json=json.dumps(everything_else, allow_nan=False),
    )


def from_episode_message(message: msg.Episode) -> Episode:
    """Turn an Episode message back into the episode: exact but for the JPEG loss of its video.

    Raises:
        ValueError: naming the field that is wrong.
    """
    provenance = _read_provenance(message.provenance_json)
    embodiment = load(Embodiment, provenance.pop('embodiment'), where='provenance_json.embodiment')
    if not message.video:
        raise ValueError('video: no frames')
    positions, _ = from_trajectory(message.trajectory)
    scale = np.asarray(embodiment.robot_scale or 1.0)
    offset = np.asarray(embodiment.robot_offset or 0.0)
    return Episode(
        episode_id=message.episode_id,
        instruction=message.instruction,
        fps=message.fps,
        embodiment=embodiment,
        actions=((positions - offset) / scale).astype(np.float32),
        videos={message.camera: np.stack([read_image(frame)[1] for frame in message.video])},
        stamp_ns=to_ns(message.header.stamp),
        conditioning_image=bytes(message.conditioning_image.data) or None,
        conditioning_stamp_ns=to_ns(message.conditioning_stamp),
        provenance=provenance,
    )


def _read_provenance(text: str) -> dict[str, Any]:
    try:
        provenance = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'provenance_json: {error}') from None
    if not isinstance(provenance, dict) or not isinstance(provenance.get('embodiment'), dict):
        raise ValueError('provenance_json: must be an object that describes the embodiment')
    return provenance
