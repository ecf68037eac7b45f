import dataclasses

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.robot import load_profile, profile_names
from vag_core.workcell import BasePose, Workcell
from vag_sim.clearance import TwinClearance, clearance_of
from vag_sim.kinematics import ArmKinematics, downward
from vag_sim.motion import command_curve
from vag_sim.tasks import make_task

PROFILE = load_profile('sim')
CLEARANCE = TwinClearance(PROFILE)
LEFT = ArmKinematics(PROFILE, 'left')


def _left_tool_at(point):
    position = PROFILE.home_position.copy()
    position[:6] = LEFT.solve(
        np.array(point), downward(0.4), np.array([-0.4, 1.8, -1.1, 0, 0.8, 0])
    )
    return position


def _only(position):
    nearest = CLEARANCE.nearest(position[None])
    return nearest.distance[0], nearest.bodies[0]


def test_home_is_clear():
    distance, _ = _only(PROFILE.home_position)
    assert distance > 0.05


def test_a_demonstration_is_clear_at_every_tick_of_200_hz():
    task = make_task('pick_lift')
    actions = task.demonstrate(task.sample(1000, PROFILE), PROFILE)
    nearest = CLEARANCE.nearest(command_curve(actions, 10.0)(np.linspace(0, 9.2, 1840)))
    assert nearest.distance.shape == (1840,)
    assert len(nearest.bodies) == 1840
    assert nearest.distance.min() > PROFILE.safety.min_clearance_m


def test_arms_that_reach_across_each_other_collide():
    position = PROFILE.home_position.copy()
    position[[0, 1, 2]] = [-1.3, 1.6, -1.0]
    position[[7, 8, 9]] = [1.3, 1.6, -1.0]
    distance, bodies = _only(position)
    assert distance < 0
    assert sorted(body.split('_')[0] for body in bodies) == ['left', 'right']


def test_fingers_may_come_near_to_the_table_but_not_into_it():
    distance, bodies = _only(_left_tool_at([0.30, 0.15, 0.765]))
    assert distance > PROFILE.safety.min_clearance_m
    distance, bodies = _only(_left_tool_at([0.30, 0.15, 0.752]))
    assert distance == pytest.approx(-0.010, abs=0.003)
    assert 'finger' in bodies[0]
    assert bodies[1] == 'table'


def test_an_arm_that_leans_back_into_the_column_collides_with_the_body():
    position = PROFILE.home_position.copy()
    position[[0, 1, 2]] = [-2.35, 1.2, -1.2]
    distance, bodies = _only(position)
    assert distance < 0.05
    assert 'body' in bodies


poses = st.tuples(
    *(st.floats(low, high) for low, high in zip(PROFILE.lower, PROFILE.upper, strict=True))
).map(np.array)


def room(clearance, position):
    """The least room over all pairs, each compared: distance less what its kind requires."""
    clearance.nearest(position[None])
    model, data = clearance._model, clearance._data
    rooms = [
        mujoco.mj_geomDistance(model, data, *pair, 10.0, None) - required
        for pair, required in zip(clearance._pairs, clearance._required, strict=True)
    ]
    return min(
        left
        for left, finger in zip(rooms, clearance._finger_on_table, strict=True)
        if not finger or left < 0
    )


@given(poses)
@settings(max_examples=15, deadline=None)
def test_the_answer_is_the_least_room_over_every_pair(position):
    nearest = CLEARANCE.nearest(position[None])
    least = nearest.distance[0] - nearest.required[0]
    assert least == pytest.approx(room(CLEARANCE, position), abs=1e-6)


def test_a_pose_that_is_not_finite_is_refused_by_name():
    positions = np.tile(PROFILE.home_position, (3, 1))
    positions[2, 9] = np.nan
    with pytest.raises(ValueError, match=r'positions\[2\]: right_joint3 = nan'):
        CLEARANCE.nearest(positions)


def test_the_wrong_number_of_joints_is_refused():
    with pytest.raises(ValueError, match=r'shape \(2, 13\), expected \(N, 14\)'):
        CLEARANCE.nearest(np.zeros((2, 13)))


def test_two_arms_keep_more_distance_than_an_arm_and_the_table():
    reach = PROFILE.home_position.copy()
    reach[[0, 1, 2]], reach[[7, 8, 9]] = [-0.55, 1.2, -1.0], [0.55, 1.2, -1.0]
    nearest = CLEARANCE.nearest(reach[None])
    assert {body.split('_')[0] for body in nearest.bodies[0]} == {'left', 'right'}
    assert nearest.required[0] == PROFILE.safety.min_clearance_arms_m > 0.01
    home = CLEARANCE.nearest(PROFILE.home_position[None])
    assert home.required[0] == PROFILE.safety.min_clearance_m


REAL = load_profile('agilex')
BASES = {'left': BasePose(position=(0, 0.3, 0.77)), 'right': BasePose(position=(0, -0.3, 0.77))}


def on_a_table_at(height, **bases):
    cell = Workcell(bases={**BASES, **bases}, table_height=height)
    return clearance_of(dataclasses.replace(REAL, workcell=cell))


@pytest.mark.parametrize('name', sorted({*profile_names()} - {'sim'}))
def test_nobody_knows_the_geometry_of_a_shipped_real_profile(name):
    assert clearance_of(load_profile(name)) is None


def test_a_real_robot_is_checked_where_its_workcell_says_that_it_stands():
    far, near = on_a_table_at(0.75), on_a_table_at(0.85)
    home = REAL.home_position[None]
    assert far.nearest(home).distance[0] - near.nearest(home).distance[0] == pytest.approx(0.1)


def test_arms_whose_bases_face_each_other_collide_where_parallel_ones_do_not():
    stretched = REAL.home_position.copy()
    stretched[[1, 8]], stretched[[2, 9]] = 1.6, -1.2
    parallel = on_a_table_at(0.2)
    opposite = BasePose(position=(0.6, 0.3, 0.77), yaw=np.pi)
    facing = on_a_table_at(0.2, right=opposite)
    assert parallel.nearest(stretched[None]).distance[0] > 0.1
    nearest = facing.nearest(stretched[None])
    assert nearest.distance[0] < 0
    assert {body.split('_')[0] for body in nearest.bodies[0]} == {'left', 'right'}
