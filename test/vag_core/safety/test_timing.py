import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.timing import VELOCITY_SHARE, monotone_curve, segment_peaks, time_scale


def swing(profile, joint, values):
    positions = np.tile(profile.home_position, (len(values), 1))
    positions[:, profile.joint_names.index(joint)] = values
    return monotone_curve(np.arange(len(values)) * 0.1, positions)


@given(seed=st.integers(0, 10_000), points=st.integers(2, 12))
def test_the_curve_stays_between_neighbouring_points_and_rests_at_both_ends(seed, points):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, 0.3, points))
    positions = rng.uniform(-2, 2, (points, 3))
    curve = monotone_curve(times, positions)
    for k in range(points - 1):
        inside = curve(np.linspace(times[k], times[k + 1], 50))
        low, high = np.sort(positions[k : k + 2], axis=0)
        assert (inside >= low - 1e-12).all() and (inside <= high + 1e-12).all()
    np.testing.assert_allclose(curve(times[[0, -1]], 1), 0, atol=1e-12)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30)
def test_the_peaks_are_those_of_a_dense_sampling(seed):
    rng = np.random.default_rng(seed)
    curve = monotone_curve(np.arange(8) * 0.1, rng.uniform(-1, 1, (8, 2)))
    dense = np.linspace(0, 0.7, 70_001)
    velocity, acceleration = segment_peaks(curve)
    np.testing.assert_allclose(velocity.max(0), np.abs(curve(dense, 1)).max(0), rtol=1e-3)
    np.testing.assert_allclose(acceleration.max(0), np.abs(curve(dense, 2)).max(0), rtol=1e-2)


def test_a_slow_trajectory_keeps_its_own_speed(profile):
    assert time_scale(swing(profile, 'left_joint1', [0, 0.001, 0.002]), profile) == 1.0


def test_one_step_from_rest_to_rest_is_slowed_by_its_acceleration(profile):
    # A cubic over h from rest to rest has the peak acceleration 6 d / h^2.
    scale = time_scale(swing(profile, 'left_joint1', [0, 0.05]), profile)
    assert scale == pytest.approx(np.sqrt(6 * 0.05 / 0.1**2 / (0.8 * 5.0)))


def test_a_fast_long_swing_is_slowed_by_its_velocity(profile):
    weak = {
        name: dataclasses.replace(limits, max_acceleration=1e6)
        for name, limits in profile.joint_limits.items()
    }
    strong = dataclasses.replace(profile, joint_limits=weak)
    # A cubic over h from rest to rest has the peak velocity 1.5 d / h.
    scale = time_scale(swing(strong, 'left_joint1', [0, 0.2]), strong)
    assert scale == pytest.approx(1.5 * 0.2 / 0.1 / VELOCITY_SHARE)


def test_beyond_max_time_scale_joint_peak_and_limit_are_named(profile):
    answer = time_scale(swing(profile, 'right_joint6', [0, 0, 1.5, 1.5]), profile)
    assert isinstance(answer, Refusal)
    assert answer.code is ErrorCode.TIME_SCALE_EXCEEDED
    assert (answer.joint, answer.index) == ('right_joint6', 1)
    assert answer.value > answer.limit
    assert f'{answer.limit:.4g}' in answer.message and 'max_time_scale' in answer.message
