import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.configuration import ConfigError
from vag_core.robot import load_profile
from vag_sim.scene import Shape
from vag_sim.splits import LAST_SEED
from vag_sim.tasks import make_task
from vag_sim.tasks.lift_cube import LiftCube
from vag_sim.variation import STANDARD, Variation

PROFILE = load_profile('sim')
SEEDS = st.integers(0, LAST_SEED)
NAMES = ('lift_cube', 'cube_in_bowl', 'lift_tray')


@given(st.sampled_from(NAMES), SEEDS)
@settings(deadline=None)
def test_the_named_things_are_there_once_and_nothing_touches(name, seed):
    scene = make_task(name).sample(seed, PROFILE)
    names = [item.name for item in scene.objects]
    assert len(set(names)) == len(names)
    assert scene.goal.target in names
    assert scene.goal.container == '' or scene.goal.container in names
    for one, other in itertools.combinations(scene.objects, 2):
        if Shape.TRAY in (one.shape, other.shape):
            continue
        apart = np.linalg.norm(np.subtract(one.position, other.position))
        bowls = [one.shape, other.shape].count(Shape.BOWL)
        assert apart >= (STANDARD.cube_apart, STANDARD.bowl_apart, STANDARD.bowls_apart)[bowls]


@pytest.mark.parametrize('name', NAMES)
def test_one_seed_is_one_scene_and_every_look_differs_between_seeds(name):
    task = make_task(name)
    scenes = [task.sample(seed, PROFILE) for seed in range(8)]
    assert scenes == [make_task(name).sample(seed, PROFILE) for seed in range(8)]
    for field in (
        'objects', 'light_direction', 'light_intensity', 'start_offset', 'table_colour',
        'head_view',
    ):  # fmt: skip
        assert len({getattr(scene, field) for scene in scenes}) == 8, field
    assert len({scene.instruction for scene in scenes}) > 4


def test_both_arms_and_every_colour_are_asked_for():
    task = make_task('cube_in_bowl')
    goals = [task.sample(seed, PROFILE).goal for seed in range(120)]
    assert {goal.arms for goal in goals} == {('left',), ('right',)}
    assert len({(goal.target, goal.container) for goal in goals}) == 10


def test_the_arm_does_not_follow_from_the_place_alone():
    task = make_task('lift_cube')
    middle = [task.sample(seed, PROFILE) for seed in range(300)]
    near = [s.goal.arms[0] for s in middle if abs(s.named(s.goal.target).position[1]) < 0.02]
    assert {'left', 'right'} == set(near)


def test_what_is_fixed_behind_colons_is_asked_for_in_every_scene():
    task = make_task('cube_in_bowl:right:green:pink')
    for seed in range(5):
        scene = task.sample(seed, PROFILE)
        assert scene.goal.arms == ('right',)
        assert (scene.goal.target, scene.goal.container) == ('green_cube', 'pink_bowl')
        assert {'right', 'green', 'pink'} <= set(scene.instruction.replace(':', '').split())


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('lift_cube:up', "arm = 'up': known are left, right"),
        ('lift_cube:left:pink', "cube = 'pink': known are red"),
        ('cube_in_bowl:left:red:blue', "bowl = 'blue': known are white"),
        ('lift_cube:left:red:white', 'takes 2 words behind colons at most'),
        ('lift_tray:left', 'takes 0 words'),
    ],
)
def test_a_goal_that_does_not_exist_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        make_task(name)


@given(SEEDS)
@settings(deadline=None, max_examples=20)
def test_arms_start_near_home_with_the_grippers_where_they_were(seed):
    scene = make_task('lift_tray').sample(seed, PROFILE)
    offset = np.array(scene.start_offset)
    assert np.abs(offset).max() <= STANDARD.start_noise_max
    assert np.all(offset[PROFILE.is_gripper] == 0.0)


def test_ranges_can_be_narrowed():
    ranges = dataclasses.replace(
        STANDARD, target_x=(0.3, 0.3), target_y=(0.1, 0.1), start_noise=0.0
    )
    scene = LiftCube('right', ranges=ranges).sample(3, PROFILE)
    assert scene.named(scene.goal.target).position == pytest.approx((0.3, -0.1))
    assert set(scene.start_offset) == {0.0}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'target_x': (0.4, 0.3)}, 'target_x = '),
        ({'cubes': (2, 6)}, 'cubes = '),
        ({'start_noise': -0.1}, 'start_noise = -0.1'),
    ],
)
def test_ranges_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        Variation(**change)
