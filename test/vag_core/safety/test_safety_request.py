import dataclasses

import numpy as np
import pytest

from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.request import CheckedRequest, check_request, check_stamp


def with_position(request, point, joint, value):
    positions = [list(row) for row in request.positions]
    positions[point][request.joint_names.index(joint)] = value
    return dataclasses.replace(request, positions=positions)


def with_time(request, point, value):
    times = list(request.times)
    times[point] = value
    return dataclasses.replace(request, times=times)


def refusal(request, profile):
    answer = check_request(request, profile)
    assert isinstance(answer, Refusal)
    return answer


def test_names_in_another_order_are_put_into_the_profiles_order(profile, wave):
    order = np.random.default_rng(1).permutation(14)
    mixed = dataclasses.replace(
        wave,
        joint_names=[wave.joint_names[i] for i in order],
        positions=np.array(wave.positions)[:, order].tolist(),
    )
    np.testing.assert_array_equal(
        check_request(mixed, profile).positions, check_request(wave, profile).positions
    )


def test_a_missing_joint_is_refused_by_name(profile, wave):
    short = dataclasses.replace(
        wave,
        joint_names=wave.joint_names[:13],
        positions=[row[:13] for row in wave.positions],
    )
    answer = refusal(short, profile)
    assert answer.code is ErrorCode.INVALID_JOINTS
    assert (answer.joint, answer.index, answer.value, answer.limit) == (
        'right_gripper',
        13,
        13.0,
        14.0,
    )


@pytest.mark.parametrize('name', ['left_joint1', 'elbow'])
def test_a_joint_named_twice_or_unknown_is_refused_by_name(profile, wave, name):
    names = [*wave.joint_names[:13], name]
    answer = refusal(dataclasses.replace(wave, joint_names=names), profile)
    assert answer.code is ErrorCode.INVALID_JOINTS
    assert (answer.joint, answer.index) == (name, 13)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_a_non_finite_position_is_refused_with_joint_and_point(profile, wave, value):
    answer = refusal(with_position(wave, 40, 'right_joint3', value), profile)
    assert answer.code is ErrorCode.INVALID_GOAL
    assert (answer.joint, answer.index) == ('right_joint3', 40)
    assert str(value) in answer.message


def test_a_row_of_the_wrong_length_is_refused_with_its_point(profile, wave):
    positions = [*wave.positions[:7], wave.positions[7][:13], *wave.positions[8:]]
    answer = refusal(dataclasses.replace(wave, positions=positions), profile)
    assert (answer.code, answer.index) == (ErrorCode.INVALID_GOAL, 7)
    assert (answer.value, answer.limit) == (13.0, 14.0)


@pytest.mark.parametrize(
    ('point', 'time'), [(5, 0.4), (5, 0.35), (0, -0.1), (9, float('nan')), (92, 1e9)]
)
def test_times_must_be_finite_increase_and_end_in_time(profile, wave, point, time):
    answer = refusal(with_time(wave, point, time), profile)
    assert (answer.code, answer.index) == (ErrorCode.INVALID_GOAL, point)


@pytest.mark.parametrize('count', [0, 1])
def test_fewer_than_two_points_are_refused(profile, wave, count):
    short = dataclasses.replace(wave, positions=wave.positions[:count], times=wave.times[:count])
    assert refusal(short, profile).code is ErrorCode.INVALID_GOAL


def test_a_position_slightly_outside_is_clamped_and_counted(profile, wave):
    index = profile.joint_names.index('left_joint5')
    upper = profile.upper[index]
    request = with_position(wave, 3, 'left_joint5', upper + 0.03)
    request = with_position(request, 4, 'left_joint5', upper + 0.01)
    answer = check_request(request, profile)
    assert isinstance(answer, CheckedRequest)
    assert answer.positions[3, index] == answer.positions[4, index] == upper
    assert answer.clamps.tolist() == [0] * index + [2] + [0] * (13 - index)
    assert answer.largest_clamp[index] == pytest.approx(0.03)


@pytest.mark.parametrize(
    ('joint', 'excess'), [('left_joint4', 0.5), ('right_joint2', 0.051), ('right_gripper', 0.006)]
)
def test_a_position_far_outside_is_refused_with_joint_point_value_and_limit(
    profile, wave, joint, excess
):
    limit = float(profile.upper[profile.joint_names.index(joint)])
    answer = refusal(with_position(wave, 12, joint, limit + excess), profile)
    assert answer.code is ErrorCode.POSITION_LIMIT_VIOLATED
    assert (answer.joint, answer.index, answer.limit) == (joint, 12, limit)
    assert answer.value == pytest.approx(limit + excess)
    for part in (joint, 'point 12', f'{answer.value:.6g}', f'{limit:.6g}'):
        assert part in answer.message


def test_the_home_pose_itself_is_inside_all_limits(profile):
    assert (profile.home_position >= profile.lower).all()
    assert (profile.home_position <= profile.upper).all()


@pytest.mark.parametrize(
    ('start', 'end', 'code'),
    [
        (0, 9, None),
        (90, 99, ErrorCode.OLD_HEADER_TIMESTAMP),
        (95, 104, None),
        (101, 110, ErrorCode.INVALID_GOAL),
    ],
)
def test_a_stamp_that_is_over_or_in_the_future_is_refused(start, end, code):
    answer = check_stamp(start * 10**9, end * 10**9, 100 * 10**9)
    assert (answer.code if answer else None) is code


def test_a_position_that_single_precision_puts_outside_its_limit_is_no_clamp(profile, wave):
    gripper = profile.joint_names.index('left_gripper')
    for row in wave.positions:
        row[gripper] = float(np.float32(profile.upper[gripper])) + 3e-10
    checked = check_request(wave, profile)
    assert not checked.clamps.any()
    assert checked.positions[:, gripper].max() <= profile.upper[gripper]
