import argparse
import json
import re

import numpy as np
import pytest

from vag_core.cli import plan
from vag_core.robot import load_profile
from vag_core.safety import clearance
from vag_core.safety.clearance import Nearest

AGILEX = load_profile('agilex')


class Geometry:
    """Bodies half a metre apart, whatever the pose."""

    def nearest(self, positions):
        count = len(positions)
        pairs = [('left_link6', 'table')] * count
        return Nearest(np.full(count, 0.5), pairs, np.full(count, 0.01))


@pytest.fixture
def actions(tmp_path):
    """The path of 93 smooth actions that start at home, and the array."""
    swing = (1 - np.cos(0.6 * np.arange(93) * 0.1)) / 2
    inward = np.where(AGILEX.is_gripper, -0.03, 0.3) * np.where(AGILEX.home_position < 0, -1, 1)
    values = AGILEX.home_position + swing[:, None] * inward
    path = tmp_path / 'actions.npy'
    np.save(path, values)
    return path, values


@pytest.fixture(autouse=True)
def nobody_knows_the_geometry(monkeypatch):
    monkeypatch.setattr(clearance, 'entry_points', lambda group: [])


def run(*arguments):
    parser = argparse.ArgumentParser()
    plan.add_arguments(parser)
    return plan.run(parser.parse_args(['--robot', 'agilex', *map(str, arguments)]))


def verdict(capsys):
    return json.loads(capsys.readouterr().out)


def test_an_accepted_trajectory_is_described_and_exits_0(actions, capsys):
    assert run('--actions', actions[0], '--json') == 0
    found = verdict(capsys)
    assert found['accepted'] is True
    assert found['time_scale'] == 1.0
    assert found['approach_duration'] == 0.0
    assert found['duration'] == pytest.approx(9.2)
    assert found['clamps'] == {}


def test_without_a_geometry_the_clearance_is_not_checked_and_the_consequence_named(
    actions, capsys
):
    run('--actions', actions[0], '--json')
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found['clearance'], found['min_distance']) == ('not_checked', None)
    assert 'its replay server refuses to move without' in printed.err


def test_a_geometry_gives_the_smallest_distance(actions, capsys, monkeypatch):
    entry = argparse.Namespace(name='twin', load=lambda: lambda profile: Geometry())
    monkeypatch.setattr(clearance, 'entry_points', lambda group: [entry])
    assert run('--actions', actions[0], '--json') == 0
    found = verdict(capsys)
    assert (found['clearance'], found['min_distance']) == ('checked', 0.5)
    assert found['min_distance_bodies'] == ['left_link6', 'table']


def test_a_refused_trajectory_names_joint_index_value_and_limit_and_exits_3(actions, capsys):
    path, values = actions
    values[17, 2] = 0.4
    np.save(path, values)
    assert run('--actions', path, '--json') == 3
    found = verdict(capsys)
    assert found['accepted'] is False
    assert (found['joint'], found['index']) == ('left_joint3', 17)
    assert (found['value'], found['limit']) == (pytest.approx(0.4), 0.0)
    assert 'left_joint3 at point 17' in found['reason']


def test_a_refused_trajectory_writes_nothing(actions, tmp_path):
    path, values = actions
    values[5] = np.nan
    np.save(path, values)
    out, picture = tmp_path / 'plan.npz', tmp_path / 'plan.png'
    assert run('--actions', path, '--out', out, '--draw', picture) == 3
    assert not out.exists() and not picture.exists()


@pytest.mark.parametrize(
    'content, message',
    [
        (np.zeros((93, 13)), r'shape \(93, 13\), robot agilex needs \(T, 14\)'),
        (np.zeros(14), 'shape'),
        (np.array([['a']]), 'holds no array of numbers'),
    ],
)
def test_an_unusable_file_exits_2_and_is_named(tmp_path, capsys, content, message):
    path = tmp_path / 'wrong.npy'
    np.save(path, content)
    assert run('--actions', path) == 2
    error = capsys.readouterr().err
    assert 'wrong.npy' in error
    assert re.search(message, error)


def test_a_missing_file_exits_2(tmp_path, capsys):
    assert run('--actions', tmp_path / 'none.npy') == 2
    assert 'none.npy' in capsys.readouterr().err


def test_the_plan_starts_at_the_measured_pose_at_the_rate_asked_for(actions, tmp_path):
    start = tmp_path / 'start.npy'
    np.save(start, AGILEX.home_position - np.where(AGILEX.is_gripper, 0.01, 0.0))
    out = tmp_path / 'plan.npz'
    assert run('--actions', actions[0], '--start', start, '--rate', 200, '--out', out) == 0
    with np.load(out) as found:
        assert found['period'] == pytest.approx(0.005)
        assert found['approach_duration'] > 0
        np.testing.assert_allclose(found['positions'][0], np.load(start), atol=1e-9)
        assert len(found['times']) == len(found['positions']) == len(found['velocities'])


def test_the_picture_is_drawn(actions, tmp_path):
    picture = tmp_path / 'plan.png'
    assert run('--actions', actions[0], '--draw', picture) == 0
    assert picture.read_bytes().startswith(b'\x89PNG')


def test_an_episode_folder_stands_for_its_actions(actions, tmp_path, capsys):
    np.savez(tmp_path / 'arrays.npz', actions=actions[1].astype(np.float32))
    assert run('--actions', tmp_path, '--json') == 0
    assert verdict(capsys)['duration'] == pytest.approx(9.2)
