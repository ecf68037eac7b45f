"""Joint trajectories: minimum jerk through waypoints, and the curve commanded between actions."""

import itertools

import numpy as np
from scipy.interpolate import CubicSpline

from vag_core.robot import RobotProfile

ROUNDING = 1e-6
"""Slack on limits, rad or m: a float32 action on a limit is not outside it."""


def minimum_jerk(knots: list[tuple[float, np.ndarray]], times: np.ndarray) -> np.ndarray:
    """Positions (N, D) at ``times`` (N,) s of a motion that rests at every knot.

    A knot is (time in s, position (D,)). Between two of them the motion follows
    10 s^3 - 15 s^4 + 6 s^5 (Flash and Hogan, 1985), whose peak velocity is
    1.875 distance / duration; before the first and after the last knot it rests.
    """
    positions = np.repeat(np.asarray(knots[0][1], dtype=float)[None], len(times), axis=0)
    for (start, origin), (end, goal) in itertools.pairwise(knots):
        phase = np.clip((times - start) / (end - start), 0.0, 1.0)
        blend = phase**3 * (10.0 - 15.0 * phase + 6.0 * phase**2)
        positions += blend[:, None] * (np.asarray(goal, dtype=float) - origin)
    return positions


def overlapping(
    start: np.ndarray, moves: list[tuple[float, float, np.ndarray]], times: np.ndarray
) -> np.ndarray:
    """Positions (N, D) at ``times`` (N,) s of moves that may begin before the last one has ended.

    A move is (begin in s, end in s, position (D,)). Each follows the curve of
    :func:`minimum_jerk` from the previous move's position, and what overlaps is added, so the
    motion passes by a position on the way instead of resting there.
    """
    origin = np.asarray(start, dtype=float)
    positions = np.tile(origin, (len(times), 1))
    for begin, end, goal in moves:
        step = np.asarray(goal, dtype=float) - origin
        positions += minimum_jerk([(begin, 0.0 * step), (end, step)], times)
        origin = origin + step
    return positions


def command_curve(actions: np.ndarray, fps: float) -> CubicSpline:
    """Return the C2 cubic through (T, D) actions at ``fps`` that starts and ends at rest."""
    return CubicSpline(
        np.arange(len(actions)) / fps, np.asarray(actions, dtype=float), bc_type='clamped'
    )


def peak_rates(
    actions: np.ndarray, fps: float, rate_hz: float = 200.0
) -> tuple[np.ndarray, np.ndarray]:
    """Peak |velocity| and |acceleration| (D,) each, of :func:`command_curve` at ``rate_hz``."""
    curve = command_curve(actions, fps)
    times = np.arange(0.0, (len(actions) - 1) / fps, 1.0 / rate_hz)
    return np.abs(curve(times, 1)).max(axis=0), np.abs(curve(times, 2)).max(axis=0)


def hard_limits(profile: RobotProfile) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest position (D,) of every joint, margins not applied."""
    return profile.per_joint('min_position'), profile.per_joint('max_position')


def check_limits(actions: np.ndarray, profile: RobotProfile) -> None:
    """Raise ValueError for the first of (T, D) actions that is not finite or outside a hard limit.

    NaN fails like any other value, so nothing that MuJoCo can't take gets through.
    """
    if actions.ndim != 2 or actions.shape[1] != len(profile.joint_names):
        joints = len(profile.joint_names)
        raise ValueError(f'actions: shape {actions.shape}, expected (T, {joints})')
    low, high = hard_limits(profile)
    bad = np.argwhere(~((actions >= low - ROUNDING) & (actions <= high + ROUNDING)))
    if len(bad):
        step, joint = bad[0]
        raise ValueError(
            f'actions[{step}]: {profile.joint_names[joint]} = {actions[step, joint]}, '
            f'allowed is {low[joint]} to {high[joint]}'
        )
