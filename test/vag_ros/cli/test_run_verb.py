"""What ``vag run`` decides before it starts anything."""

import pytest

from vag_core import resources
from vag_core.cli.main import main
from vag_ros.cli.run import scene_task


@pytest.mark.parametrize(
    ('instruction', 'task'),
    [
        (
            'put the green cube into the white bowl with your right arm',
            'cube_in_bowl:right:green:white',
        ),
        ('left arm: lift the red cube', 'lift_cube:left:red'),
        ('lift the tray with both arms', 'lift_tray'),
    ],
)
def test_the_scene_can_follow_from_the_instruction(instruction, task):
    assert scene_task('auto', 'sim', instruction) == task


def test_a_named_task_stands_whatever_the_instruction():
    assert scene_task('lift_cube:left', 'sim', 'lift the tray with both arms') == 'lift_cube:left'


def test_a_simulated_robot_of_ones_own_has_a_scene_too(tmp_path):
    profile = resources.find('config/robots/sim.yaml').read_text()
    (tmp_path / 'mine.yaml').write_text(profile.replace('name: sim', 'name: mine', 1))
    robot = str(tmp_path / 'mine.yaml')
    assert scene_task('auto', robot, 'lift the tray with both arms') == 'lift_tray'


def test_a_real_robot_has_no_simulated_scene():
    assert scene_task('auto', 'agilex', 'make coffee') == 'auto'


@pytest.mark.parametrize(
    ('task', 'complaint'),
    [('auto', 'names 0 of the cubes red, green'), ('juggle', "task = 'juggle': known tasks are")],
)
def test_a_scene_that_does_not_exist_starts_nothing(task, complaint, capsys):
    assert main(['run', '--task', task, '--instruction', 'make coffee']) == 1
    assert complaint in capsys.readouterr().out
