import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.timing import (
    VELOCITY_SHARE,
    monotone_curve,
    segment_peaks,
    smoothed,
    time_scale,
)


def swing(profile, joint, values):
    positions = np.tile(profile.home_position, (len(values), 1))
    positions[:, profile.joint_names.index(joint)] = values
    times = np.arange(len(values)) * 0.1
    return monotone_curve(times, positions), times


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
    velocity, acceleration = segment_peaks(curve, 1), segment_peaks(curve, 2)
    np.testing.assert_allclose(velocity.max(0), np.abs(curve(dense, 1)).max(0), rtol=1e-3)
    np.testing.assert_allclose(acceleration.max(0), np.abs(curve(dense, 2)).max(0), rtol=1e-2)


def test_a_slow_trajectory_keeps_its_own_speed(profile):
    assert time_scale(*swing(profile, 'left_joint1', [0, 0.001, 0.002]), profile) == 1.0


def test_one_step_from_rest_to_rest_is_slowed_by_its_acceleration(profile):
    # A cubic over h from rest to rest has the peak acceleration 6 d / h^2.
    scale = time_scale(*swing(profile, 'left_joint1', [0, 0.05]), profile)
    assert scale == pytest.approx(np.sqrt(6 * 0.05 / 0.1**2 / (0.8 * 5.0)))


def test_a_fast_long_swing_is_slowed_by_its_velocity(profile):
    weak = {
        name: dataclasses.replace(limits, max_acceleration=1e6)
        for name, limits in profile.joint_limits.items()
    }
    strong = dataclasses.replace(profile, joint_limits=weak)
    # A cubic over h from rest to rest has the peak velocity 1.5 d / h.
    scale = time_scale(*swing(strong, 'left_joint1', [0, 0.2]), strong)
    assert scale == pytest.approx(1.5 * 0.2 / 0.1 / VELOCITY_SHARE)


def test_beyond_max_time_scale_joint_peak_and_limit_are_named(profile):
    answer = time_scale(*swing(profile, 'right_joint6', [0, 0, 1.5, 1.5]), profile)
    assert isinstance(answer, Refusal)
    assert answer.code is ErrorCode.TIME_SCALE_EXCEEDED
    assert (answer.joint, answer.index) == ('right_joint6', 1)
    assert answer.value > answer.limit
    assert f'{answer.limit:.4g}' in answer.message and 'max_time_scale' in answer.message


@pytest.mark.parametrize(('jump', 'accepted'), [(0.16, True), (0.18, False), (2.0, False)])
def test_a_jump_between_two_points_is_slowed_or_refused_by_the_largest_time_scale(
    profile, jump, accepted
):
    # A cubic over h from rest to rest has the peak acceleration 6 d / h^2: at most 0.167 rad here.
    answer = time_scale(*swing(profile, 'left_joint4', [0, 0, jump, jump]), profile)
    assert isinstance(answer, Refusal) is not accepted
    if accepted:
        assert answer == pytest.approx(np.sqrt(6 * jump / 0.1**2 / (0.8 * 5.0)))
    else:
        assert (answer.joint, answer.index) == ('left_joint4', 1)


@given(
    seed=st.integers(0, 10_000),
    window=st.sampled_from([0.02, 0.1, 0.25]),
    points=st.integers(2, 9),
)
@settings(max_examples=50, deadline=None)
def test_the_smoothed_curve_is_the_moving_average_and_its_derivatives(seed, window, points):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.05, 0.2, points))
    curve = monotone_curve(times, rng.uniform(-1, 1, (points, 2)))
    smooth = smoothed(curve, window)
    assert smooth.x[0] == pytest.approx(times[0] - window / 2)
    assert smooth.x[-1] == pytest.approx(times[-1] + window / 2)
    for moment in rng.uniform(smooth.x[0], smooth.x[-1], 5):
        grid = np.linspace(moment - window / 2, moment + window / 2, 4001).clip(*times[[0, -1]])
        inside = curve(grid)
        np.testing.assert_allclose(smooth(moment), np.trapezoid(inside, axis=0) / 4000, atol=1e-6)
    for order in (1, 2, 3):
        dense = np.linspace(smooth.x[0], smooth.x[-1], 20_001)[1:-1]
        sampled = np.abs(smooth(dense, order)).max(0)
        np.testing.assert_allclose(segment_peaks(smooth, order).max(0), sampled, rtol=0.02)


@given(seed=st.integers(0, 10_000), window=st.sampled_from([0.03, 0.2]))
@settings(max_examples=50, deadline=None)
def test_smoothing_exceeds_no_peak_and_bounds_the_jerk(seed, window):
    rng = np.random.default_rng(seed)
    curve = monotone_curve(np.arange(7) * 0.1, rng.uniform(-1, 1, (7, 2)))
    smooth = smoothed(curve, window)
    for order in (1, 2):
        before, after = (segment_peaks(c, order).max(0) for c in (curve, smooth))
        assert (after <= before * (1 + 1e-6)).all()
    bound = 2 * segment_peaks(curve, 2).max(0) / window
    assert (segment_peaks(smooth, 3).max(0) <= bound * (1 + 1e-6)).all()


def test_the_jerk_slows_by_its_cube_root_where_the_profile_limits_it(profile):
    limits = {
        name: dataclasses.replace(limit, max_jerk=10.0)
        for name, limit in profile.joint_limits.items()
    }
    safety = dataclasses.replace(profile.safety, smoothing_window_s=0.1)
    gentle = dataclasses.replace(profile, joint_limits=limits, safety=safety)
    curve, times = swing(profile, 'left_joint1', [0, 0.02, 0.04, 0.05])
    smooth = smoothed(curve, 0.1)
    jerk = segment_peaks(smooth, 3).max()
    assert jerk > 10.0
    assert time_scale(smooth, times, gentle) == pytest.approx((jerk / 10.0) ** (1 / 3))
    assert time_scale(smooth, times, profile) == 1.0
