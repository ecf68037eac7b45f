import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.safety.plan import difference_peaks
from vag_core.safety.retreat import Retreat

PERIOD = 0.005


def follow(profile, command, measured, brake_after=10**9):
    retreat = Retreat(command, measured, profile, PERIOD)
    commands = [command]
    while not retreat.at_rest:
        commands.append(retreat.next())
        if len(commands) == brake_after:
            retreat.decelerate()
    return np.array(commands)


def assert_within_limits(profile, commands):
    velocity, acceleration = difference_peaks(commands, PERIOD)
    speed = profile.safety.approach_speed_scale * profile.per_joint('max_velocity')
    assert (velocity <= speed + 1e-9).all()
    assert (acceleration <= profile.per_joint('max_acceleration') + 1e-6).all()


def near(profile, seed):
    generator = np.random.default_rng(seed)
    middle = (profile.lower + profile.upper) / 2
    spread = np.where(profile.is_gripper, 0.01, 0.4)
    return middle, middle + spread * generator.uniform(-1, 1, 14)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_to_any_near_pose_within_the_limits(profile, seed):
    middle, measured = near(profile, seed)
    commands = follow(profile, middle, measured)
    assert_within_limits(profile, commands)
    arms = ~profile.is_gripper
    np.testing.assert_allclose(commands[-1][arms], measured[arms], atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6), tick=st.integers(1, 200))
def test_braked_at_any_tick_it_comes_to_rest_on_the_way_within_the_limits(profile, seed, tick):
    middle, measured = near(profile, seed)
    commands = follow(profile, middle, measured, brake_after=tick)
    assert_within_limits(profile, commands)
    ends = np.sort([middle, measured], axis=0)
    assert (commands >= ends[0] - 1e-9).all() and (commands <= ends[1] + 1e-9).all()


def test_a_gripper_stays_and_keeps_its_hold(profile):
    command = (profile.lower + profile.upper) / 2
    measured = command.copy()
    measured[6] += 0.02
    commands = follow(profile, command, measured)
    np.testing.assert_array_equal(commands[:, 6], np.full(len(commands), command[6]))


def test_a_measured_pose_outside_the_limits_is_not_commanded(profile):
    command = profile.upper - 0.05 * ~profile.is_gripper
    commands = follow(profile, command, profile.upper + 0.3)
    assert (commands <= profile.upper + 1e-9).all()


def test_already_there_it_is_at_rest_at_once(profile):
    commands = follow(profile, profile.home_position, profile.home_position)
    assert len(commands) <= 3
    assert difference_peaks(commands, PERIOD)[0].max() == pytest.approx(0, abs=1e-9)
