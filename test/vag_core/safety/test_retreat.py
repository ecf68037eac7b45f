import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.safety.plan import difference_peaks
from vag_core.safety.retreat import Retreat

PERIOD = 0.005


def follow(profile, command, step, measured):
    retreat = Retreat(command, step, measured, profile, PERIOD)
    commands = [command - step, command]
    while not retreat.at_rest:
        commands.append(retreat.next())
    return np.array(commands)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_from_any_motion_to_any_near_pose_within_the_limits(profile, seed):
    generator = np.random.default_rng(seed)
    middle = (profile.lower + profile.upper) / 2
    speed = generator.uniform(-1, 1, 14) * profile.per_joint('max_velocity')
    measured = middle + np.where(profile.is_gripper, 0.01, 0.2) * generator.uniform(-1, 1, 14)
    commands = follow(profile, middle, speed * PERIOD, measured)
    velocity = np.abs(np.diff(commands, axis=0)).max(axis=0) / PERIOD
    steps = np.diff(np.concatenate([commands, commands[-1:]]), axis=0)
    acceleration = np.abs(np.diff(steps, axis=0)).max(axis=0) / PERIOD**2
    assert (velocity <= profile.per_joint('max_velocity') + 1e-9).all()
    assert (acceleration <= profile.per_joint('max_acceleration') + 1e-6).all()
    arms = ~profile.is_gripper
    np.testing.assert_allclose(commands[-1][arms], measured[arms], atol=1e-9)


def test_a_gripper_brakes_where_it_is_and_keeps_its_hold(profile):
    command = (profile.lower + profile.upper) / 2
    measured = command.copy()
    measured[6] += 0.02
    commands = follow(profile, command, np.zeros(14), measured)
    np.testing.assert_array_equal(commands[:, 6], np.full(len(commands), command[6]))


def test_a_measured_pose_outside_the_limits_is_not_commanded(profile):
    command = profile.upper - 0.05 * ~profile.is_gripper
    commands = follow(profile, command, np.zeros(14), profile.upper + 0.3)
    assert (commands <= profile.upper + 1e-9).all()


def test_already_there_it_is_at_rest_at_once(profile):
    commands = follow(profile, profile.home_position, np.zeros(14), profile.home_position)
    assert len(commands) <= 3
    assert difference_peaks(commands, PERIOD)[0].max() == pytest.approx(0, abs=1e-9)
