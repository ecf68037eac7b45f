"""Rebuild an episode from its bag alone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory

from vag_core.episode import Episode
from vag_core.robot import load_profile
from vag_ros import convert, msg, names
from vag_ros.bag import custom_data, reader
from vag_ros.bag.definitions import definition, type_name


def read_episode(bag: Path) -> Episode:
    """Return the episode that ``bag`` is about.

    It comes from the Episode message. Where that is missing it is put together from generated
    video, requested trajectory and custom data; its provenance then says so.

    Raises:
        BagError: the bag is not whole, or holds no episode.
    """
    bag = Path(bag)
    bag = bag.parent if bag.is_file() else bag
    problem = reader.find_problem(bag)
    if problem:
        raise reader.BagError(f'{bag}: {problem}; run "vag bag recover {bag}" first')
    with AnyReader([bag]) as any_reader:
        about = reader.read_custom_data(bag)
        episodes = list(_messages(any_reader, names.EPISODE, msg.Episode))
        wanted = about.get(custom_data.EPISODE_ID)
        chosen = [message for message in episodes if message.episode_id == wanted] or episodes
        try:
            if chosen:
                return convert.from_episode_message(chosen[-1])
            return _from_topics(any_reader, bag, about)
        except (ValueError, LookupError) as error:
            raise reader.BagError(f'{bag}: {error}') from None


def _from_topics(any_reader: AnyReader, bag: Path, about: dict[str, str]) -> Episode:
    frames = list(_messages(any_reader, names.GENERATED_VIDEO, CompressedImage))
    requested = list(_messages(any_reader, names.REQUESTED_TRAJECTORY, JointTrajectory))
    if not frames or not requested:
        raise reader.BagError(
            f'no Episode message, {len(frames)} generated frames and {len(requested)} requested '
            'trajectories: an episode needs either the first or both others'
        )
    profile = load_profile(about.get(custom_data.ROBOT_PROFILE, ''))
    positions, times_ns = convert.from_trajectory(requested[-1])
    if tuple(requested[-1].joint_names) != profile.joint_names:
        raise reader.BagError(
            f'trajectory of {requested[-1].joint_names}, robot {profile.name} has '
            f'{list(profile.joint_names)}'
        )
    instructions = list(_messages(any_reader, names.INSTRUCTION, String))
    said = instructions[-1].data if instructions else ''
    return Episode(
        episode_id=about.get(custom_data.EPISODE_ID, bag.name),
        instruction=about.get(custom_data.INSTRUCTION, said),
        fps=1e9 / np.diff(times_ns).mean().item(),
        embodiment=profile.as_embodiment(),
        actions=positions.astype(np.float32),
        videos={profile.camera.key: np.stack([convert.read_image(f)[1] for f in frames])},
        stamp_ns=convert.to_ns(frames[0].header.stamp),
        provenance={'rebuilt_from': 'generated video and requested trajectory', 'bag': about},
    )


def _messages(any_reader: AnyReader, name: str, message_class: type) -> Iterator[object]:
    """Yield the messages of the relative topic ``name`` in any namespace."""
    connections = [c for c in any_reader.connections if c.topic.endswith(f'/{name}')]
    for connection in connections:
        _check_type(connection, message_class)
    for _, _, data in any_reader.messages(connections) if connections else ():
        yield deserialize_message(data, message_class)


def _check_type(connection: Connection, message_class: type) -> None:
    installed = definition(type_name(message_class))
    if connection.digest != installed.type_hash:
        raise reader.BagError(
            f'{connection.topic} was recorded as {connection.msgtype} {connection.digest}, '
            f'installed is {installed.type_hash}'
        )
