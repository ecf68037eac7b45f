import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.robot import load_profile
from vag_sim.kinematics import ArmKinematics, downward

PROFILE = load_profile('sim')
LEFT = ArmKinematics(PROFILE, 'left')
RIGHT = ArmKinematics(PROFILE, 'right')


# Flange positions relative to the base, m: piper_sdk's modified DH table (piper_fk.py).
@pytest.mark.parametrize(
    ('joints', 'flange'),
    [
        ([0, 0, 0, 0, 0, 0], [0.0561, 0, 0.2132]),
        ([0, 1.57, -1.3485, 0, 0, 0], [0.3800, 0, 0.3814]),
        ([0, 0.32, -0.36, 0, 0.24, 0], [0.0804, 0, 0.2918]),
    ],
)
@pytest.mark.parametrize('arm', [LEFT, RIGHT], ids=['left', 'right'])
def test_flange_is_within_a_millimetre_of_the_published_kinematics(arm, joints, flange):
    assert np.linalg.norm(arm.flange(np.array(joints)) - arm.base - flange) < 1e-3


def _modified_dh_flange(joints):
    """Flange (3,) by piper_sdk's table of modified DH parameters (firmware S-V1.6-3 and newer)."""
    table = [
        (0, 0, 0.123, 0),
        (0, -90, 0, -172.22),
        (0.28503, 0, 0, -102.78),
        (-0.02198, 90, 0.25075, 0),
        (0, -90, 0, 0),
        (0, 90, 0.091, 0),
    ]
    pose = np.eye(4)
    for (a, alpha, d, offset), joint in zip(table, joints, strict=True):
        ca, sa = np.cos(np.radians(alpha)), np.sin(np.radians(alpha))
        ct, st_ = np.cos(joint + np.radians(offset)), np.sin(joint + np.radians(offset))
        pose = pose @ [
            [ct, -st_, 0, a],
            [st_ * ca, ct * ca, -sa, -d * sa],
            [st_ * sa, ct * sa, ca, d * ca],
            [0, 0, 0, 1],
        ]
    return pose[:3, 3]


joint_vectors = st.tuples(
    *(st.floats(low, high) for low, high in zip(PROFILE.lower[:6], PROFILE.upper[:6], strict=True))
).map(np.array)


@given(joint_vectors)
@settings(max_examples=50, deadline=None)
def test_flange_agrees_with_the_dh_table_everywhere(joints):
    assert np.linalg.norm(LEFT.flange(joints) - LEFT.base - _modified_dh_flange(joints)) < 1e-3


def test_arms_stand_sixty_centimetres_apart_with_left_at_positive_y():
    assert LEFT.base - RIGHT.base == pytest.approx([0, 0.60, 0])


@given(st.floats(0.25, 0.36), st.floats(0.05, 0.23), st.floats(-0.7, 0.7))
@settings(max_examples=20, deadline=None)
def test_inverse_kinematics_reaches_the_pose_it_was_asked_for(x, y, yaw):
    position, rotation = np.array([x, y, 0.78]), downward(yaw)
    joints = LEFT.solve(position, rotation, np.array([-0.4, 1.8, -1.1, 0, 0.8, 0]))
    if joints is None:
        rotation = downward(yaw + np.pi / 2)
        joints = LEFT.solve(position, rotation, np.array([-0.4, 1.8, -1.1, 0, 0.8, 0]))
    reached, frame = LEFT.tool(joints)
    assert np.linalg.norm(reached - position) < 1e-3
    assert np.abs(frame - rotation).max() < 5e-3
    assert np.all((joints >= PROFILE.lower[:6]) & (joints <= PROFILE.upper[:6]))


def test_inverse_kinematics_says_none_out_of_reach():
    assert LEFT.solve(np.array([1.5, 0.3, 0.8]), downward(0.0), np.zeros(6)) is None


def test_both_arms_reach_the_middle_of_the_table_from_above():
    point = np.array([0.30, 0.0, 0.78])
    seed = np.array([0, 1.8, -1.1, 0, 0.8, 0])
    assert LEFT.solve(point, downward(-0.8), seed) is not None
    assert RIGHT.solve(point, downward(0.8), seed) is not None
