import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.configuration import ConfigError, load, to_mapping
from vag_core.robot import (
    Gripper,
    GripperUnit,
    JointLimits,
    RobotProfile,
    load_profile,
    profile_names,
)

SIM = load_profile('sim')
PROFILES = [load_profile(name) for name in profile_names()]


def test_the_four_profiles_ship():
    assert profile_names() == ['agilex', 'agilex_piper_ros', 'agilex_ros1', 'sim']


@pytest.mark.parametrize('profile', PROFILES, ids=lambda p: p.name)
class TestEveryProfile:
    def test_has_fourteen_joints_left_arm_first(self, profile):
        assert len(profile.joint_names) == 14
        assert all(name.startswith('left_') for name in profile.joint_names[:7])
        assert np.flatnonzero(profile.is_gripper).tolist() == [6, 13]

    def test_can_hold_its_home_and_the_folded_pose(self, profile):
        folded = np.where(profile.is_gripper, profile.home_position, 0.0)
        for pose in (profile.home_position, folded):
            assert np.all((profile.lower <= pose) & (pose <= profile.upper))

    def test_stays_within_the_published_limits_of_the_arm(self, profile):
        """piper_sdk's position table; 3 rad/s and 5 rad/s^2 are the caps of its CAN protocol."""
        table = [(-2.6179, 2.6179), (0, 3.14), (-2.967, 0), (-1.745, 1.745), (-1.22, 1.22)]
        table = [*table, (-2.09439, 2.09439), (0, 0.07)] * 2
        low, high = np.array(table).T
        assert np.all(profile.lower >= low)
        assert np.all(profile.upper <= high)
        assert np.all(profile.per_joint('max_velocity') <= 3.0)
        assert np.all(profile.per_joint('max_acceleration') <= 5.0)

    def test_survives_a_round_trip_through_its_mapping(self, profile):
        assert load(RobotProfile, to_mapping(profile)) == profile

    def test_is_its_own_embodiment(self, profile):
        embodiment = profile.as_embodiment()
        assert embodiment.name == 'agilex_14'
        assert embodiment.units[6] == 'm'


def test_only_the_twin_is_simulated():
    assert [profile.name for profile in PROFILES if profile.simulated] == ['sim']


@given(
    position=st.lists(st.floats(-3, 3), min_size=7, max_size=7),
    scale=st.sampled_from([1.0, -2.0, 1e6, 14.3]),
    offset=st.floats(-10, 10),
)
def test_driver_units_and_back_is_the_same_position(position, scale, offset):
    arm = load(type(PROFILES[0].arms[0]), to_mapping(PROFILES[0].arms[0]))
    arm = load(
        type(arm), {**to_mapping(arm), 'gripper': to_mapping(Gripper(scale=scale, offset=offset))}
    )
    profile = PROFILES[0]
    back = profile.from_driver(arm, profile.to_driver(arm, np.array(position)))
    np.testing.assert_allclose(back, position, atol=1e-9)


@pytest.mark.parametrize('name', ['lower', 'upper', 'home_position', 'is_gripper'])
def test_nobody_can_change_the_arrays_that_everybody_shares(name):
    with pytest.raises(ValueError, match='read-only'):
        getattr(load_profile('sim'), name)[0] = 1


def test_arm_slices_cover_all_joints_once():
    profile = PROFILES[0]
    covered = [i for arm in profile.arms for i in range(14)[profile.arm_slice(arm)]]
    assert covered == list(range(14))


def test_tolerances_speak_the_unit_of_their_joint():
    profile = load_profile('sim')
    tolerance = profile.tolerance('clamp_tolerance')
    assert tolerance[0] == profile.safety.clamp_tolerance
    assert tolerance[6] == profile.safety.clamp_tolerance_m


def test_an_unknown_profile_is_refused_with_the_known_names():
    with pytest.raises(ConfigError, match=r"'franka'.*agilex_piper_ros"):
        load_profile('franka')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'arms': []}, 'arms: at least one'),
        ({'command_rate_hz': 5}, 'command_rate_hz = 5'),
        ({'gripper_joint': 'claw'}, "gripper_joint = 'claw'"),
        ({'feedback_rate_hz': 0}, 'feedback_rate_hz = 0'),
        ({'home': {}}, 'home: joint1 of arm left is missing'),
        ({'home': {**load_profile('sim').home, 'waist': 0.0}}, 'home: waist: not a joint'),
        ({'safety': {'acceleration_fraction': 1.0}}, 'acceleration_fraction = 1.0'),
        ({'safety': {'path_tolerance': -1.0}}, 'path_tolerance = -1.0'),
        ({'safety': {'max_time_scale': 0.5}}, 'max_time_scale = 0.5'),
    ],
)
def test_a_wrong_profile_is_refused_naming_the_field(change, message):
    with pytest.raises(ConfigError, match=message):
        load(RobotProfile, {**to_mapping(load_profile('sim')), **change})


@pytest.mark.parametrize('field', ['name', 'command_topic', 'feedback_topic'])
def test_two_arms_that_share_a_name_or_topic_are_refused(field):
    profile = to_mapping(load_profile('sim'))
    profile['arms'][1][field] = profile['arms'][0][field]
    with pytest.raises(ConfigError, match=f'arms: {field} = '):
        load(RobotProfile, profile)


@pytest.mark.parametrize(
    'change',
    [
        {'max_velocity': 0.0},
        {'max_acceleration': float('inf')},
        {'min_position': -float('inf')},
        {'lower_margin': -0.1},
        {'upper_margin': 9.0},
    ],
)
def test_limits_that_leave_no_room_or_do_not_limit_are_refused(change):
    fields = {'min_position': 0.0, 'max_position': 1.0, 'max_velocity': 1, 'max_acceleration': 1}
    with pytest.raises(ConfigError):
        JointLimits(**{**fields, **change})


@pytest.mark.parametrize(
    'fields',
    [
        {'unit': GripperUnit.RAW},
        {'unit': GripperUnit.NORMALISED, 'offset': 0.5},
        {'scale': 0.0},
        {'scale': float('inf')},
        {'offset': float('nan')},
    ],
)
def test_a_gripper_whose_unit_would_be_taken_for_metres_is_refused(fields):
    with pytest.raises(ConfigError):
        Gripper(**fields)


def test_a_workcell_without_a_base_for_each_arm_is_refused():
    cell = {'bases': {'left': {'position': [0, 0.3, 0.8]}}, 'table_height': 0.75}
    mapping = {**to_mapping(SIM), 'workcell': cell}
    with pytest.raises(ConfigError, match='one is needed for each of the arms left, right'):
        load(RobotProfile, mapping)


def test_a_jerk_limit_needs_smoothing():
    limits = {**SIM.joint_limits}
    limits['joint1'] = dataclasses.replace(limits['joint1'], max_jerk=50.0)
    with pytest.raises(ConfigError, match=r'joint1: max_jerk = 50.0: needs .*smoothing_window_s'):
        dataclasses.replace(SIM, joint_limits=limits)
