"""Check a requested trajectory by itself: joints, numbers, times, limits; first failure wins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal

# Finer steps carry no information for arms that take commands at 1 kHz at most.
MIN_STEP_S = 1e-3
# Rad or m: a position on its limit, stored in single precision, may lie this far outside.
ROUNDING = 1e-6


@dataclass(frozen=True)
class TrajectoryRequest:
    """A trajectory as it came in, unchecked.

    Attributes:
        joint_names: in the order of each row of ``positions``.
        positions: N rows of positions, rad and m.
        times: N times from start, s.
    """

    joint_names: Sequence[str]
    positions: Sequence[Sequence[float]]
    times: Sequence[float]


@dataclass(frozen=True)
class CheckedRequest:
    """A request in the profile's joint order whose positions lie inside the limits.

    Attributes:
        positions: (N, D) rad and m, clamped.
        times: (N,) s, strictly increasing.
        clamps: (D,) number of points that were moved onto a limit, by more than rounding.
        largest_clamp: (D,) rad and m, the largest of those moves.
    """

    positions: np.ndarray
    times: np.ndarray
    clamps: np.ndarray
    largest_clamp: np.ndarray


def check_request(request: TrajectoryRequest, profile: RobotProfile) -> CheckedRequest | Refusal:
    """Check and reorder a request; clamp what is at most ``clamp_tolerance`` outside a limit."""
    refusal = (
        _check_joints(request, profile)
        or _check_numbers(request)
        or _check_times(request, profile)
    )
    if refusal is not None:
        return refusal
    order = [list(request.joint_names).index(name) for name in profile.joint_names]
    positions = np.array(request.positions, dtype=float)[:, order]
    clamped = np.clip(positions, profile.lower, profile.upper)
    excess = np.abs(positions - clamped)
    too_far = np.argwhere(excess > profile.tolerance('clamp_tolerance'))
    if len(too_far):
        return _position_refusal(positions, clamped, *too_far[0], profile)
    return CheckedRequest(
        positions=clamped,
        times=np.array(request.times, dtype=float),
        clamps=np.count_nonzero(excess > ROUNDING, axis=0),
        largest_clamp=excess.max(axis=0),
    )


def check_stamp(start_ns: int, end_ns: int, now_ns: int) -> Refusal | None:
    """Check the stamps of a trajectory's start and end against now; a start of 0 means now.

    A stamp that is over is refused as FollowJointTrajectory does. One in the future is refused
    too: a motion starts when it is approved, not later by itself.
    """
    start, end, now = start_ns * 1e-9, end_ns * 1e-9, now_ns * 1e-9
    if not start_ns:
        return None
    if end_ns < now_ns:
        text = f'header.stamp: the trajectory was over {now - end:.3f} s ago'
        return Refusal(ErrorCode.OLD_HEADER_TIMESTAMP, text, value=end, limit=now)
    if start_ns > now_ns:
        text = (
            f'header.stamp lies {start - now:.3f} s in the future: a motion starts when it is '
            'approved; send 0'
        )
        return Refusal(ErrorCode.INVALID_GOAL, text, value=start, limit=now)
    return None


def _check_joints(request: TrajectoryRequest, profile: RobotProfile) -> Refusal | None:
    names, expected = list(request.joint_names), profile.joint_names
    for index, name in enumerate(names):
        if name not in expected:
            text = f'joint {name!r} at index {index} is unknown to robot {profile.name}'
        elif names.index(name) != index:
            text = f'joint {name!r} at index {index} is named before, at index {names.index(name)}'
        else:
            continue
        return Refusal(ErrorCode.INVALID_JOINTS, text, joint=name, index=index)
    for index, name in enumerate(expected):
        if name not in names:
            text = (
                f'joint {name!r} (index {index}) is missing: the trajectory names {len(names)} '
                f'joints, robot {profile.name} has {len(expected)}'
            )
            return Refusal(
                ErrorCode.INVALID_JOINTS,
                text,
                name,
                index,
                float(len(names)),
                float(len(expected)),
            )
    return None


def _check_numbers(request: TrajectoryRequest) -> Refusal | None:
    count = len(request.joint_names)
    for index, row in enumerate(request.positions):
        if len(row) != count:
            text = f'point {index} has {len(row)} positions for {count} joints'
            return Refusal(
                ErrorCode.INVALID_GOAL,
                text,
                index=index,
                value=float(len(row)),
                limit=float(count),
            )
    positions = np.array(request.positions, dtype=float).reshape(-1, count)
    for index, column in np.argwhere(~np.isfinite(positions))[:1]:
        name, value = request.joint_names[column], float(positions[index, column])
        text = f'{name} at point {index}: position {value} is not finite'
        return Refusal(ErrorCode.INVALID_GOAL, text, name, int(index), value)
    return None


def _check_times(request: TrajectoryRequest, profile: RobotProfile) -> Refusal | None:
    times = np.array(request.times, dtype=float)

    def refuse(text: str, index: int, value: float, limit: float) -> Refusal:
        return Refusal(ErrorCode.INVALID_GOAL, text, '', index, float(value), float(limit))

    if len(times) < 2 or len(times) != len(request.positions):
        text = f'{len(times)} points: at least 2 are needed, each with a time'
        return refuse(text, len(times), len(times), 2)
    for index in np.flatnonzero(~np.isfinite(times))[:1]:
        return refuse(
            f'time {times[index]} of point {index} is not finite', index, times[index], 0
        )
    if times[0] < 0:
        return refuse(f'time {times[0]:.6g} s of point 0 is before the start', 0, times[0], 0)
    for index in np.flatnonzero(np.diff(times) < MIN_STEP_S * (1 - 1e-6))[:1] + 1:
        text = (
            f'time {times[index]:.6g} s of point {index} must be at least {MIN_STEP_S} s after '
            f'the {times[index - 1]:.6g} s of point {index - 1}'
        )
        return refuse(text, index, times[index], times[index - 1] + MIN_STEP_S)
    duration, longest = times[-1] - times[0], profile.safety.max_duration_s
    if duration > longest:
        text = f'duration {duration:.6g} s is longer than max_duration_s = {longest:.6g} s'
        return refuse(text, len(times) - 1, duration, longest)
    return None


def _position_refusal(
    positions: np.ndarray, clamped: np.ndarray, index: int, column: int, profile: RobotProfile
) -> Refusal:
    name = profile.joint_names[column]
    unit = 'm' if profile.is_gripper[column] else 'rad'
    value, limit = float(positions[index, column]), float(clamped[index, column])
    tolerance = profile.tolerance('clamp_tolerance')[column]
    text = (
        f'{name} at point {index}: position {value:.6g} {unit} is beyond its limit '
        f'{limit:.6g} {unit} by more than clamp_tolerance = {tolerance:.6g} {unit}'
    )
    return Refusal(ErrorCode.POSITION_LIMIT_VIOLATED, text, name, int(index), value, limit)
