"""From points to a curve, and one uniform time scale that brings it inside the rate limits.

The curve is a monotone cubic (Fritsch and Carlson, SIAM J. Numer. Anal. 17, 1980; slopes as
scipy's ``PchipInterpolator``) with zero slope at both ends: it never leaves the range of two
neighbouring points, its velocity is continuous, and it starts and ends at rest. Its acceleration
is piecewise linear, so peaks are exact; differences at any tick spacing are averages of it and
can't exceed them.
"""

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal

# Whoever differentiates recorded stamps in floating-point seconds errs by some 1e-4.
VELOCITY_SHARE = 0.999


def monotone_curve(times: np.ndarray, positions: np.ndarray) -> CubicHermiteSpline:
    """Interpolate (N,) times and (N, D) positions; at rest at both ends."""
    slopes = PchipInterpolator(times, positions).derivative()(times)
    slopes[0] = slopes[-1] = 0.0
    return CubicHermiteSpline(times, positions, slopes)


def segment_peaks(curve: CubicHermiteSpline) -> tuple[np.ndarray, np.ndarray]:
    """Exact peaks of |velocity| and |acceleration| in each segment, both (N-1, D)."""
    cubic, square, linear, _ = curve.c
    step = np.diff(curve.x)[:, None]
    start, end = np.abs(linear), np.abs((3 * cubic * step + 2 * square) * step + linear)
    with np.errstate(divide='ignore', invalid='ignore'):
        vertex = -square / (3 * cubic)
        inside = (vertex > 0) & (vertex < step)
        middle = np.where(inside, np.abs(linear + square * vertex), 0.0)
    velocity = np.maximum(np.maximum(start, end), middle)
    acceleration = np.maximum(np.abs(2 * square), np.abs(6 * cubic * step + 2 * square))
    return velocity, acceleration


def time_scale(curve: CubicHermiteSpline, profile: RobotProfile) -> float | Refusal:
    """Smallest s >= 1 at which the curve, run s times slower, keeps the rate limits."""
    velocity, acceleration = segment_peaks(curve)
    max_velocity = VELOCITY_SHARE * profile.per_joint('max_velocity')
    max_acceleration = profile.safety.acceleration_fraction * profile.per_joint('max_acceleration')
    by_velocity = velocity / max_velocity
    by_acceleration = np.sqrt(acceleration / max_acceleration)
    needed = np.maximum(by_velocity, by_acceleration)
    index, joint = np.unravel_index(np.argmax(needed), needed.shape)
    scale, largest = float(max(1.0, needed[index, joint])), profile.safety.max_time_scale
    if scale <= largest:
        return scale
    unit = 'm' if profile.is_gripper[joint] else 'rad'
    if by_velocity[index, joint] >= by_acceleration[index, joint]:
        kind, value, limit, unit = 'velocity', velocity, max_velocity, f'{unit}/s'
    else:
        kind, value, limit, unit = 'acceleration', acceleration, max_acceleration, f'{unit}/s^2'
    name, value, limit = (
        profile.joint_names[joint],
        float(value[index, joint]),
        float(limit[joint]),
    )
    text = (
        f'{name} between points {index} and {index + 1}: {kind} {value:.4g} {unit} against a '
        f'limit of {limit:.4g} {unit} needs time_scale {scale:.4g}, '
        f'above max_time_scale = {largest:.4g}'
    )
    return Refusal(ErrorCode.TIME_SCALE_EXCEEDED, text, name, int(index), value, limit)
