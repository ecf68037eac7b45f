import dataclasses

import numpy as np
import pytest

from vag_core.robot import load_profile
from vag_core.safety.clearance import Nearest
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import Plan, make_plan


class Wall:
    """Lets bodies come nearest, at ``distance``, at one tick of any trajectory."""

    def __init__(self, distance, tick):
        self.distance, self.tick = distance, tick

    def nearest(self, positions):
        distance = np.full(len(positions), 0.5)
        distance[self.tick] = self.distance
        pairs = [('left_gripper', 'table')] * len(positions)
        return Nearest(distance, pairs, np.full(len(positions), 0.01))


def test_a_plan_begins_at_the_measured_pose_and_ends_at_the_requests_end(profile, wave):
    plan = make_plan(wave, profile, profile.home_position)
    np.testing.assert_allclose(plan.positions[0], profile.home_position, atol=1e-9)
    np.testing.assert_array_equal(plan.positions[-1], wave.positions[-1])
    assert not plan.velocities[[0, -1]].any()


def test_frames_and_execution_times_map_both_ways(profile, wave):
    plan = make_plan(wave, profile, profile.home_position)
    assert plan.approach_duration > 0
    assert plan.execution_time(wave.times[0]) == plan.approach_duration
    assert plan.execution_time(wave.times[-1]) == pytest.approx(plan.motion_duration)
    for frame in (0, 17, 92):
        moment = plan.execution_time(wave.times[frame])
        assert plan.request_time(moment) == pytest.approx(wave.times[frame])
        tick = round(moment / plan.period)
        np.testing.assert_allclose(
            plan.positions[min(tick, len(plan.positions) - 1)], wave.positions[frame], atol=2e-3
        )


def test_velocities_and_accelerations_are_the_derivatives_of_the_positions(profile, wave):
    plan = make_plan(wave, profile, profile.home_position)
    slope = np.gradient(plan.positions, plan.period, axis=0)
    np.testing.assert_allclose(slope, plan.velocities, atol=0.02)
    assert (
        plan.planned_peak_acceleration <= 0.8 * profile.per_joint('max_acceleration') + 1e-9
    ).all()


def test_a_late_first_point_is_no_waiting_time(profile, wave):
    later = dataclasses.replace(wave, times=[t + 3.0 for t in wave.times])
    first, second = (make_plan(r, profile, profile.home_position) for r in (wave, later))
    assert second.motion_duration == pytest.approx(first.motion_duration)
    assert second.execution_time(3.0) == second.approach_duration


def test_the_rate_is_the_profiles(profile, wave):
    slow = dataclasses.replace(profile, command_rate_hz=50.0)
    plan = make_plan(wave, slow, slow.home_position)
    assert plan.period == pytest.approx(0.02)
    assert plan.times[-1] == pytest.approx(plan.motion_duration, abs=0.02)


def test_without_a_clearance_a_profile_that_requires_one_refuses(wave):
    real = load_profile('agilex')
    answer = make_plan(wave, real, real.home_position)
    assert isinstance(answer, Refusal)
    assert answer.code is ErrorCode.CLEARANCE_VIOLATED
    assert 'not checked' in answer.message


def test_without_a_clearance_a_plan_says_that_nobody_checked(profile, wave):
    assert make_plan(wave, profile, profile.home_position).min_distance is None


def test_bodies_that_come_too_near_are_named_with_time_and_distance(profile, wave):
    answer = make_plan(wave, profile, profile.home_position, Wall(0.004, tick=600))
    assert answer.code is ErrorCode.CLEARANCE_VIOLATED
    assert (answer.index, answer.value, answer.limit) == (600, 0.004, 0.01)
    for part in ('left_gripper', 'table', '0.0040 m', '3.000 s'):
        assert part in answer.message


def test_the_smallest_distance_is_in_the_plan(profile, wave):
    plan = make_plan(wave, profile, profile.home_position, Wall(0.03, tick=5))
    assert isinstance(plan, Plan)
    assert (plan.min_distance, plan.min_distance_bodies) == (0.03, ('left_gripper', 'table'))


def smooth_profile(profile, **changes):
    return dataclasses.replace(profile, safety=dataclasses.replace(profile.safety, **changes))


def test_smoothing_moves_no_end_and_says_how_far_it_moved_the_points(profile, wave):
    gentle = smooth_profile(profile, smoothing_window_s=0.3)
    plan = make_plan(wave, gentle, profile.home_position)
    plain = make_plan(wave, profile, profile.home_position)
    assert plain.largest_smoothing.max() < 1e-12
    assert 0 < plan.largest_smoothing.max() < 0.02
    np.testing.assert_array_equal(plan.positions[-1], wave.positions[-1])
    ticks = [round(plan.execution_time(t) / plan.period) for t in wave.times]
    np.testing.assert_allclose(
        np.abs(plan.positions[ticks] - wave.positions).max(0), plan.largest_smoothing, atol=2e-3
    )


def test_smoothing_has_no_phase(profile, wave):
    gentle = smooth_profile(profile, smoothing_window_s=0.3)
    plan, plain = (make_plan(wave, p, profile.home_position) for p in (gentle, profile))
    assert plan.request_start == pytest.approx(wave.times[0] - 0.15)
    middle = wave.times[40]
    at = [p.positions[round(p.execution_time(middle) / p.period)] for p in (plan, plain)]
    np.testing.assert_allclose(*at, atol=5e-3)
    for moment in (0.0, 4.0, 9.2):
        assert plan.request_time(plan.execution_time(moment)) == pytest.approx(moment)


def test_smoothing_that_moves_a_point_too_far_is_refused(profile, wave):
    wave.positions[50][3] += 0.2
    refusal = make_plan(
        wave, smooth_profile(profile, smoothing_window_s=0.3), profile.home_position
    )
    assert (refusal.code, refusal.joint) == (ErrorCode.INVALID_GOAL, 'left_joint4')
    assert refusal.index == 50
    assert refusal.value > refusal.limit == 0.02
    assert 'smoothing' in refusal.message
