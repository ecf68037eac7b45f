import numpy as np
import pytest

from vag_core.safety.approach import approach_ramp, start_pose
from vag_core.safety.outcome import ErrorCode, Refusal


def moved(profile, joint, by):
    pose = profile.home_position.copy()
    pose[profile.joint_names.index(joint)] += by
    return pose


def test_a_start_too_far_away_is_refused_with_joint_distance_and_limit(profile):
    answer = start_pose(profile.home_position, moved(profile, 'left_joint2', 1.0), profile)
    assert isinstance(answer, Refusal)
    assert answer.code is ErrorCode.START_STATE_VIOLATED
    assert (answer.joint, answer.index, answer.limit) == ('left_joint2', 0, 0.5)
    assert answer.value == pytest.approx(1.0)


def test_a_measured_pose_with_a_nan_is_refused(profile):
    measured = moved(profile, 'right_joint1', float('nan'))
    answer = start_pose(measured, profile.home_position, profile)
    assert (answer.code, answer.joint) == (ErrorCode.FEEDBACK_STALE, 'right_joint1')


def test_noise_beyond_a_limit_starts_on_the_limit(profile):
    measured = moved(profile, 'left_gripper', 0.0003)
    np.testing.assert_array_equal(
        start_pose(measured, profile.home_position, profile), profile.home_position
    )


def test_an_arm_slightly_outside_its_limits_starts_where_it_stands(profile):
    measured = moved(profile, 'left_joint3', 0.38)
    start = start_pose(measured, profile.home_position, profile)
    np.testing.assert_array_equal(start, measured)


def test_an_arm_far_outside_its_limits_is_refused(profile):
    answer = start_pose(moved(profile, 'left_joint3', 0.42), profile.home_position, profile)
    assert (answer.code, answer.joint) == (ErrorCode.START_STATE_VIOLATED, 'left_joint3')
    assert answer.limit == 0.0


def test_the_ramp_moves_all_joints_in_step_at_the_approach_speed(profile):
    target = moved(profile, 'left_joint1', 0.4)
    target[profile.joint_names.index('right_joint4')] -= 0.1
    ramp = approach_ramp(profile.home_position, target, profile)
    positions, velocities, _ = ramp.sample(np.linspace(0, ramp.duration, 400))
    shares = (positions - profile.home_position)[:, [0, 10]] / [0.4, -0.1]
    np.testing.assert_allclose(shares[:, 0], shares[:, 1], atol=1e-9)
    assert np.abs(velocities).max() <= 0.5 * 1.0 + 1e-9
    np.testing.assert_allclose(positions[-1], target, atol=1e-9)


def test_no_distance_needs_no_ramp(profile):
    assert approach_ramp(profile.home_position, profile.home_position, profile).duration == 0.0
