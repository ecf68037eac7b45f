import json

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from stack_peer import SIM, STEPS, an_episode

from vag_ros import convert, names
from vag_ros.bag.definitions import Definition, definition, type_name
from vag_ros.bag.reader import BagError
from vag_ros.bag.to_episode import read_episode
from vag_ros.bag.writer import BagWriter

MESSAGE = convert.to_episode_message(an_episode(), SIM)
ABOUT = {'vag.robot_profile': 'sim', 'vag.instruction': 'lift the red cube'}


def write_bag(folder, said, about=ABOUT, namespace='/robot'):
    """Write ``{relative topic: messages}`` to a closed bag."""
    writer = BagWriter(folder / 'x.recording', about)
    for name, messages in said.items():
        topic = f'{namespace}/{name}'
        writer.add_topic(topic, definition(type_name(type(messages[0]))), [])
        for k, message in enumerate(messages):
            writer.write(topic, serialize_message(message), 1000 + k, 1000 + k)
    return writer.close(folder / 'x')


def test_without_the_message_it_is_put_together_from_video_and_trajectory(tmp_path):
    said = {
        names.GENERATED_VIDEO: list(MESSAGE.video),
        names.REQUESTED_TRAJECTORY: [MESSAGE.trajectory],
    }
    episode = read_episode(write_bag(tmp_path, said))
    original = an_episode()
    assert np.array_equal(episode.actions, original.actions)
    assert episode.videos['cam_high'].shape == original.videos['cam_high'].shape
    assert episode.fps == pytest.approx(10.0)
    assert episode.instruction == 'lift the red cube'
    assert episode.episode_id == 'x'
    assert episode.stamp_ns == original.stamp_ns
    assert 'generated video' in episode.provenance['rebuilt_from']
    json.dumps(episode.provenance)


def test_of_several_messages_the_one_that_the_bag_is_about_counts(tmp_path):
    other = convert.to_episode_message(an_episode('other', seed=8), SIM)
    about = {**ABOUT, 'vag.episode_id': 'episode_a'}
    bag = write_bag(tmp_path, {names.EPISODE: [MESSAGE, other]}, about)
    assert read_episode(bag).episode_id == 'episode_a'


def test_a_bag_with_half_an_episode_says_what_it_holds(tmp_path):
    bag = write_bag(tmp_path, {names.GENERATED_VIDEO: list(MESSAGE.video)})
    with pytest.raises(BagError, match=f'{STEPS} generated frames and 0 requested'):
        read_episode(bag)


def test_a_bag_that_was_not_closed_names_the_command_that_recovers_it(tmp_path):
    BagWriter(tmp_path / 'y.recording', {}).abandon()
    with pytest.raises(BagError, match='vag bag recover'):
        read_episode(tmp_path / 'y.recording')


def test_a_message_of_another_version_of_the_type_is_refused(tmp_path):
    writer = BagWriter(tmp_path / 'z.recording', {})
    name = 'vag_ros/msg/Episode'
    text = definition(name).text.replace('uint64 seed', 'uint32 seed')
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(text, name))
    old = Definition(name, text, store.hash_rihs01(name))
    writer.add_topic(f'/{names.EPISODE}', old, [])
    writer.write(f'/{names.EPISODE}', serialize_message(MESSAGE), 1, 1)
    with pytest.raises(BagError, match=old.type_hash):
        read_episode(writer.close(tmp_path / 'z'))
