import argparse

import pytest
import yaml
from rclpy.serialization import serialize_message
from stack_peer import SIM, an_episode

from vag_core.episode import load_episode
from vag_ros import convert, names
from vag_ros.bag.definitions import definition
from vag_ros.bag.writer import BagWriter
from vag_ros.cli import bag as verb


def vag_bag(*words):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(list(map(str, words))))


@pytest.fixture
def open_bag(tmp_path):
    """A flushed bag with one Episode message, left by its writer."""
    writer = BagWriter(tmp_path / 'e.recording', {'vag.instruction': 'lift the red cube'})
    writer.add_topic(f'/{names.EPISODE}', definition('vag_ros/msg/Episode'), [])
    message = convert.to_episode_message(an_episode(), SIM)
    writer.write(f'/{names.EPISODE}', serialize_message(message), 1, 1)
    writer.flush()
    return writer


def test_info_lists_topics_and_metadata_and_says_that_a_bag_is_whole(open_bag, tmp_path, capsys):
    assert vag_bag('info', open_bag.close(tmp_path / 'e')) == 0
    shown = capsys.readouterr().out
    assert '/vag/episode' in shown
    assert 'lift the red cube' in shown
    assert shown.endswith('whole\n')


def test_info_of_an_open_bag_names_the_command_that_recovers_it(open_bag, capsys):
    open_bag.abandon()
    assert vag_bag('info', open_bag.path) == 0
    shown = capsys.readouterr().out
    assert 'not whole' in shown
    assert 'vag bag recover' in shown


def test_recover_then_to_episode_gives_an_episode_folder_with_pictures(open_bag, tmp_path):
    open_bag.abandon()
    assert vag_bag('recover', open_bag.path, '--out', tmp_path / 'r') == 0
    assert vag_bag('to-episode', tmp_path / 'r', '--out', tmp_path / 'episode') == 0
    assert load_episode(tmp_path / 'episode').instruction == 'lift the red cube'
    pictures = {p.name for p in (tmp_path / 'episode').glob('*.png')}
    assert pictures == {'contact_sheet.png', 'joints.png'}


def test_recovering_a_whole_bag_writes_nothing(open_bag, tmp_path, capsys):
    bag = open_bag.close(tmp_path / 'e')
    assert vag_bag('recover', bag) == 0
    assert 'whole' in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ['e']


def test_a_folder_without_a_bag_is_an_error_on_one_line(tmp_path, capsys):
    assert vag_bag('info', tmp_path) == 1
    assert capsys.readouterr().err == (
        f'vag bag info: {tmp_path}: 0 .mcap files, a bag of one episode has 1\n'
    )


def test_info_shows_a_label_that_was_given_after_the_recording(open_bag, tmp_path, capsys):
    bag = open_bag.close(tmp_path / 'e')
    metadata = bag / 'metadata.yaml'
    document = yaml.safe_load(metadata.read_text())
    document['rosbag2_bagfile_information']['custom_data']['vag.note'] = 'dropped it'
    metadata.write_text(yaml.safe_dump(document))
    assert vag_bag('info', bag) == 0
    shown = capsys.readouterr().out
    assert 'dropped it' in shown
    assert 'lift the red cube' in shown
