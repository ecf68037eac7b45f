import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.robot import load_profile
from vag_sim.motion import check_limits, command_curve, minimum_jerk, peak_rates

PROFILE = load_profile('sim')


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.5, 5))
def test_minimum_jerk_starts_and_ends_at_its_knots_and_peaks_at_the_known_velocity(a, b, duration):
    times = np.linspace(0, duration, 2001)
    path = minimum_jerk([(0.0, np.array([a])), (duration, np.array([b]))], times)[:, 0]
    assert path[0] == pytest.approx(a)
    assert path[-1] == pytest.approx(b)
    peak = np.abs(np.gradient(path, times)).max()
    assert peak == pytest.approx(1.875 * abs(b - a) / duration, rel=1e-3, abs=1e-9)


def test_minimum_jerk_rests_before_the_first_and_after_the_last_knot():
    knots = [(1.0, np.array([0.0])), (2.0, np.array([1.0]))]
    path = minimum_jerk(knots, np.array([0.0, 0.9, 2.0, 5.0]))
    assert path[:, 0] == pytest.approx([0, 0, 1, 1])


def test_command_curve_passes_through_the_actions_and_rests_at_its_ends():
    actions = np.cumsum(np.random.default_rng(0).normal(0, 0.02, (20, 14)), axis=0)
    curve = command_curve(actions, 10.0)
    assert curve(np.arange(20) / 10.0) == pytest.approx(actions)
    assert curve([0.0, 1.9], 1) == pytest.approx(0.0, abs=1e-9)


def test_peak_rates_of_half_a_cosine_are_those_of_calculus():
    phase = np.pi * np.linspace(0, 1, 101)
    actions = np.repeat((1 - np.cos(phase))[:, None] / 2, 14, axis=1)
    velocity, acceleration = peak_rates(actions, 10.0)
    assert velocity == pytest.approx(np.full(14, np.pi / 20), rel=0.01)
    assert acceleration == pytest.approx(np.full(14, np.pi**2 / 200), rel=0.01)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf, 3.2, -0.1])
def test_check_limits_names_step_joint_value_and_limit(value):
    actions = np.tile(PROFILE.home_position, (3, 1))
    actions[1, 8] = value
    with pytest.raises(
        ValueError, match=rf'actions\[1\]: right_joint2 = {value}, allowed is 0.0 to 3.14'
    ):
        check_limits(actions, PROFILE)


def test_a_float32_action_on_a_limit_is_inside():
    actions = np.tile(PROFILE.home_position, (3, 1)).astype(np.float32)
    assert actions[0, 6] > PROFILE.home_position[6]
    check_limits(actions, PROFILE)
