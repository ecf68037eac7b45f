import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.robot import load_profile, profile_names
from vag_sim.driver import CommandRefusedError, read_command

PROFILE = load_profile('sim')
LEFT = PROFILE.arms[0]
NAMES = list(LEFT.driver_joints)
HOME = [PROFILE.home[name] for name in NAMES]


@given(st.permutations(range(7)))
def test_joints_may_come_in_any_order(order):
    target = read_command(PROFILE, LEFT, [NAMES[i] for i in order], [HOME[i] for i in order])
    assert target == pytest.approx(HOME)


@pytest.mark.parametrize('name', profile_names())
def test_the_home_pose_in_driver_units_is_accepted_by_every_driver(name):
    profile = load_profile(name)
    for arm in profile.arms:
        home = profile.home_position[profile.arm_slice(arm)]
        target = read_command(profile, arm, arm.driver_joints, profile.to_driver(arm, home))
        assert target == pytest.approx(home)


@pytest.mark.parametrize(
    ('names', 'positions', 'message'),
    [
        (NAMES[:6], HOME[:6], 'gripper is missing'),
        ([*NAMES[:6], 'joint7'], HOME, "'joint7' is no joint of this arm"),
        ([*NAMES[:6], 'joint1'], HOME, 'joint1 is named 2 times'),
        (NAMES, HOME[:6], '6 positions for 7 names'),
        ([], HOME, '7 positions for 0 names'),
        ([], [], 'joint1 is missing'),
        (NAMES, [np.nan, *HOME[1:]], 'joint1 = nan: must be finite'),
        (NAMES, [*HOME[:6], -np.inf], 'gripper = -inf: must be finite'),
        (NAMES, [HOME[0], -0.01, *HOME[2:]], r'joint2 = -0.01: allowed is 0.0 to 3.14'),
        (NAMES, [*HOME[:6], 0.08], r'gripper = 0.08: allowed is 0.0 to 0.07'),
    ],
)
def test_a_bad_command_is_refused_with_joint_value_and_limit(names, positions, message):
    with pytest.raises(CommandRefusedError, match=message):
        read_command(PROFILE, LEFT, names, positions)
