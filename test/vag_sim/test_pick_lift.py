import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.robot import load_profile
from vag_sim.motion import check_limits, peak_rates
from vag_sim.scene import Goal, Scene, SceneObject, Shape
from vag_sim.tasks import FPS, STEPS, UnreachableError, make_task
from vag_sim.tasks.pick_lift import CUBE_SIZE, SEPARATION, PickLift
from vag_sim.twin import Twin

PROFILE = load_profile('sim')
TASK = make_task('pick_lift')
SEEDS = st.integers(0, 2**31 - 1)


@given(SEEDS)
@settings(deadline=None)
def test_scenes_hold_two_separate_cubes_of_different_colours_and_a_bowl(seed):
    scene = TASK.sample(seed, PROFILE)
    cubes = [item for item in scene.objects if item.shape is Shape.CUBE]
    assert [item.shape for item in scene.objects].count(Shape.BOWL) == 1
    assert len({item.name for item in cubes}) == 2
    assert cubes[0].name == 'red_cube'
    assert np.linalg.norm(np.subtract(cubes[0].position, cubes[1].position)) >= SEPARATION


def test_a_seed_is_one_scene_and_another_seed_another():
    assert TASK.sample(7, PROFILE) == TASK.sample(7, PROFILE)
    assert TASK.sample(7, PROFILE) != TASK.sample(8, PROFILE)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_demonstrations_start_at_home_and_stay_well_inside_the_limits(seed):
    actions = TASK.demonstrate(TASK.sample(seed, PROFILE), PROFILE)
    assert actions.shape == (STEPS, 14)
    assert actions.dtype == np.float32
    assert actions[0] == pytest.approx(PROFILE.home_position)
    check_limits(actions, PROFILE)
    velocity, acceleration = peak_rates(actions, FPS)
    revolute = ~PROFILE.is_gripper
    assert velocity[revolute].max() <= 0.8
    assert acceleration[revolute].max() <= 3.0
    assert velocity[~revolute].max() <= 0.15


def test_the_idle_arm_stays_at_home():
    actions = TASK.demonstrate(TASK.sample(1, PROFILE), PROFILE)
    assert np.all(actions[:, 7:] == PROFILE.home_position[7:].astype(np.float32))


@pytest.mark.parametrize('seed', [0, 1, 1000])
def test_a_demonstration_lifts_the_cube(seed):
    twin = Twin(TASK, seed, PROFILE)
    assert not twin.success()
    twin.execute(TASK.demonstrate(twin.scene, PROFILE))
    assert twin.success()
    other = next(i for i in twin.scene.objects if i.shape is Shape.CUBE and i.name != 'red_cube')
    assert twin.object_position(other.name)[:2] == pytest.approx(other.position, abs=0.01)


def test_the_same_motion_without_closing_the_gripper_is_no_success():
    twin = Twin(TASK, 0, PROFILE)
    actions = TASK.demonstrate(twin.scene, PROFILE)
    actions[:, 6] = 0.07
    twin.execute(actions)
    assert not twin.success()


def test_colour_names_the_target_and_stands_in_the_instruction():
    task = PickLift('blue')
    twin = Twin(task, 3, PROFILE)
    assert twin.scene.instruction == 'pick up the blue cube with the left arm'
    twin.execute(task.demonstrate(twin.scene, PROFILE))
    assert twin.success()


def test_an_unknown_colour_or_task_is_refused_with_what_is_known():
    with pytest.raises(ValueError, match="colour = 'pink': known are red"):
        PickLift('pink')
    with pytest.raises(ValueError, match="task = 'juggle': known tasks are pick_lift"):
        make_task('juggle')


def test_a_cube_out_of_reach_is_named():
    scene = Scene(
        objects=(SceneObject('red_cube', Shape.CUBE, CUBE_SIZE, (0.65, -0.4)),),
        goal=Goal(('left',), 'red_cube'),
    )
    with pytest.raises(UnreachableError, match=r'red_cube at \(0.650, -0.400\) m'):
        TASK.demonstrate(scene, PROFILE)
