import dataclasses

import numpy as np
import pytest

from vag_core.kinematics import KinematicTree
from vag_core.robot import load_profile, profile_names
from vag_core.robot_description import describe


@pytest.mark.parametrize('name', profile_names())
def test_the_moving_joints_are_those_of_the_profile_in_their_order(name):
    profile = load_profile(name)
    for ghost in (False, True):
        assert KinematicTree(describe(profile, ghost)).moving_joints == profile.joint_names


# Of the modified DH table in piper_sdk's piper_fk.py, evaluated independently.
@pytest.mark.parametrize(
    ('joints', 'flange'),
    [
        ([0, 0, 0, 0, 0, 0], [0.0561, 0, 0.2132]),
        ([0, 1.57, -1.3485, 0, 0, 0], [0.3800, 0, 0.3814]),
        ([0, 0.32, -0.36, 0, 0.24, 0], [0.0804, 0, 0.2918]),
    ],
)
def test_the_flange_is_where_the_makers_kinematics_put_it(joints, flange):
    profile = load_profile('sim')
    positions = dict(zip(profile.joint_names, [*joints, 0.0] * 2, strict=True))
    poses = KinematicTree(describe(profile)).poses(positions)
    for arm in ('left', 'right'):
        found = (np.linalg.inv(poses[f'{arm}_base']) @ poses[f'{arm}_link6'])[:3, 3]
        np.testing.assert_allclose(found, flange, atol=2e-4)


def test_the_fingers_open_by_the_gripper_joint_in_metres():
    profile = load_profile('sim')
    home = dict(zip(profile.joint_names, profile.home_position, strict=True))
    tree = KinematicTree(describe(profile))
    for opening in (0.0, 0.05):
        poses = tree.poses({**home, 'left_gripper': opening})
        apart = poses['left_finger1'][:3, 3] - poses['left_finger2'][:3, 3]
        assert np.linalg.norm(apart) == pytest.approx(opening, abs=1e-9)


def test_the_ghost_is_translucent_and_leaves_out_cart_and_table():
    profile = load_profile('sim')
    solid, ghost = (KinematicTree(describe(profile, ghost)) for ghost in (False, True))
    assert set(solid.shapes) - set(ghost.shapes) == {'body', 'table'}
    colours = {shape.colour for shapes in ghost.shapes.values() for shape in shapes}
    assert all(alpha < 0.5 for *_, alpha in colours)


def test_an_arm_of_another_number_of_joints_is_refused():
    profile = load_profile('sim')
    left, right = profile.arms
    short = dataclasses.replace(left, driver_joints=left.driver_joints[1:])
    with pytest.raises(ValueError, match='arm left has 6 joints'):
        describe(dataclasses.replace(profile, arms=(short, right)))
