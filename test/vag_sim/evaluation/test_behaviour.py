"""What a replay shows of the arms' aim: judged on tracks made by hand and on real replays."""

import numpy as np
import pytest

from vag_core.robot import load_profile
from vag_sim.evaluation.behaviour import Track, closing_step, judge, moved_arms
from vag_sim.replay import Verdict, replay
from vag_sim.scene import Goal, Scene, SceneObject, Shape
from vag_sim.tasks import make_task

PROFILE = load_profile('sim')
CUBES = (
    SceneObject('red_cube', Shape.CUBE, 0.045, (0.30, 0.10)),
    SceneObject('blue_cube', Shape.CUBE, 0.045, (0.30, 0.25)),
)
STEPS = 10


def scene_track(place, rise=0.0):
    """The left tool stays at ``place`` while the blue cube rises; the red one is the target."""
    track = Track()
    track.scene = Scene(CUBES, goal=Goal(('left',), 'red_cube'))
    tool = np.array([*place, 0.79])
    track.tools = {'left': [tool] * STEPS, 'right': [np.array([0.3, -0.4, 1.0])] * STEPS}
    track.objects = {
        cube.name: [
            np.array([*cube.position, 0.77 + (rise * k / STEPS) * (cube.name == 'blue_cube')])
            for k in range(STEPS)
        ]
        for cube in CUBES
    }
    return track


def commands(closes=True):
    """Left joint 2 moves by 0.5 rad; the left gripper closes at step 5."""
    actions = np.tile(PROFILE.home_position, (STEPS, 1))
    actions[:, 1] += np.linspace(0, 0.5, STEPS)
    actions[:, 6] = 0.07
    if closes:
        actions[5:, 6] = 0.02
    return actions


def test_the_closing_is_where_half_of_the_way_to_the_narrowest_opening_is_commanded():
    opening = np.array([0.07, 0.07, 0.05, 0.045, 0.02, 0.02, 0.06])
    assert closing_step(opening) == 3
    assert closing_step(np.full(5, 0.07)) is None
    assert closing_step(np.array([0.02, 0.07, 0.07])) is None


def test_the_arms_that_move_are_told_by_the_replay():
    moved = Verdict('task', 0, 'lift', False, travel_rad={'left': 0.3, 'right': 0.1})
    assert moved_arms(moved) == ('left',)
    assert moved_arms(Verdict('task', 0, 'lift', False, refused='too far')) == ()


def test_a_tool_that_closes_beside_a_cube_has_gone_for_it():
    found = judge(scene_track((0.30, 0.13)), commands(), PROFILE)
    assert found.chosen == 'red_cube'
    assert found.target_error_mm == pytest.approx(30.0)


def test_what_was_lifted_was_chosen_wherever_the_tool_closed():
    assert judge(scene_track((0.30, 0.13), rise=0.1), commands(), PROFILE).chosen == 'blue_cube'


def test_a_tool_that_closes_far_from_everything_or_never_has_gone_for_nothing():
    assert judge(scene_track((0.45, 0.0)), commands(), PROFILE).chosen == ''
    never = judge(scene_track((0.30, 0.13)), commands(closes=False), PROFILE)
    assert never.chosen == ''
    assert never.target_error_mm == pytest.approx(30.0)


@pytest.mark.parametrize(('task', 'seed'), [('lift_cube:right', 2), ('lift_tray', 1)])
def test_a_demonstration_takes_its_target_and_aims_within_millimetres(task, seed):
    task = make_task(task)
    actions = task.demonstrate(task.sample(seed, PROFILE), PROFILE)
    track = Track()
    verdict, _ = replay(task, seed, actions, profile=PROFILE, on_action=track)
    goal = track.scene.goal
    found = judge(track, actions, PROFILE)
    assert verdict.success
    assert found.chosen == goal.target
    assert found.target_error_mm < 3.0
    assert moved_arms(verdict) == goal.arms
