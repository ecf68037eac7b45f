import argparse
import json

import numpy as np
import pytest

from vag_core.robot import load_profile
from vag_sim import cli, demos
from vag_sim.replay import replay
from vag_sim.tasks import make_task

PROFILE = load_profile('sim')
TASK, SEED = 'lift_cube:left:blue', 3


@pytest.fixture(scope='module')
def actions():
    task = make_task(TASK)
    return task.demonstrate(task.sample(SEED, PROFILE), PROFILE)


def run(*arguments):
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return cli.run(parser.parse_args(['replay', *map(str, arguments)]))


def test_a_demonstration_succeeds_again_and_the_verdict_says_what_happened(actions):
    verdict, frames = replay(TASK, SEED, actions)
    assert frames is None
    assert verdict.success
    assert verdict.refused == ''
    assert verdict.measures['height_m'] > 0.05
    assert min(verdict.closest_m, key=verdict.closest_m.get) == 'blue_cube'
    assert max(verdict.moved_m, key=verdict.moved_m.get) == 'blue_cube'
    assert verdict.travel_rad['left'] > 0.5
    assert verdict.travel_rad['right'] < 0.05


def test_actions_that_do_nothing_fail(actions):
    verdict, _ = replay(TASK, SEED, np.tile(actions[:1], (20, 1)))
    assert not verdict.success
    assert max(verdict.moved_m.values()) < 0.002


def test_arms_that_start_elsewhere_are_led_to_the_first_action(actions):
    moved = actions.copy()
    moved[:, 7] += 0.2
    verdict, _ = replay(TASK, SEED, moved)
    assert verdict.success
    assert verdict.travel_rad['right'] == pytest.approx(0.0, abs=0.02)


def test_what_the_robot_would_not_start_is_refused_with_its_reason(actions):
    outside = actions.copy()
    outside[5, 1] = -0.5
    verdict, _ = replay(TASK, SEED, outside)
    assert not verdict.success
    assert 'left_joint2' in verdict.refused


def test_a_little_outside_a_limit_is_moved_onto_it(actions):
    outside = actions.copy()
    outside[:, 6] = np.where(outside[:, 6] > 0.069, 0.072, outside[:, 6])
    assert replay(TASK, SEED, outside)[0].success


def test_a_film_has_a_frame_per_action_in_the_size_of_the_scene(actions):
    _, frames = replay(TASK, SEED, actions[:4], camera='cam_high')
    assert frames.shape == (4, 192, 256, 3)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'task': 'fly'}, "task = 'fly'"),
        ({'camera': 'cam'}, "camera = 'cam'"),
        ({'actions': np.zeros((5, 7))}, 'expected'),
    ],
)
def test_unusable_arguments_are_named(actions, change, message):
    arguments = {'task': TASK, 'seed': SEED, 'actions': actions, **change}
    with pytest.raises(ValueError, match=message):
        replay(**arguments)


def test_the_command_judges_a_stored_episode_by_its_own_task_and_seed(tmp_path, capsys):
    job = demos.Job('lift_tray', 1, ('cam_high',), tmp_path / 'episode', halved=True)
    assert demos.run_job(job).failure == ''
    assert run('--episode', job.folder, '--json') == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict['success'] is True
    assert (verdict['task'], verdict['seed']) == ('lift_tray', 1)


def test_the_command_returns_three_for_failure_and_films_it(actions, tmp_path):
    np.save(tmp_path / 'a.npy', np.tile(actions[:1], (4, 1)))
    where = ('--actions', tmp_path / 'a.npy', '--task', TASK, '--seed', SEED)
    assert run(*where, '--video', tmp_path / 'out.mp4') == 3
    assert (tmp_path / 'out.mp4').stat().st_size > 1000


def test_the_command_returns_two_when_nobody_says_the_task(actions, tmp_path, capsys):
    np.save(tmp_path / 'a.npy', actions)
    assert run('--actions', tmp_path / 'a.npy') == 2
    assert '--task: is needed' in capsys.readouterr().err
