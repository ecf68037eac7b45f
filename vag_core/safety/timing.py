"""From points to a curve, and one uniform time scale that brings it inside the rate limits.

The curve is a monotone cubic (Fritsch and Carlson, SIAM J. Numer. Anal. 17, 1980; slopes as
scipy's ``PchipInterpolator``) with zero slope at both ends: it never leaves the range of two
neighbouring points, its velocity is continuous, and it starts and ends at rest. Its acceleration
is piecewise linear, so peaks are exact; differences at any tick spacing are averages of it and
can't exceed them. Averaged over a moving window it becomes smoother and keeps these properties.
"""

import math

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator, PPoly

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal

# Whoever differentiates recorded stamps in floating-point seconds errs by some 1e-4.
VELOCITY_SHARE = 0.999
# Breakpoints of a smoothed curve that lie nearer than this are one.
SAME_MOMENT_S = 1e-9


def monotone_curve(times: np.ndarray, positions: np.ndarray) -> CubicHermiteSpline:
    """Interpolate (N,) times and (N, D) positions; at rest at both ends."""
    slopes = PchipInterpolator(times, positions).derivative()(times)
    slopes[0] = slopes[-1] = 0.0
    return CubicHermiteSpline(times, positions, slopes)


def smoothed(curve: PPoly, window: float) -> PPoly:
    """Average a curve that rests at both ends over a centred window of ``window`` s.

    The average has no phase: it only rounds. It stays inside the range of the curve, none of its
    derivatives exceeds the curve's, and its jerk is at most ``2 max|a| / window``, where the
    curve's own is unbounded at the points. It begins and ends ``window / 2`` outside the curve's
    interval, at rest on the same positions.
    """
    half = window / 2
    rest = np.array([curve(curve.x[0]), curve(curve.x[-1])])[None]
    still = np.zeros((len(curve.c) - 1, 2, *rest.shape[2:]))
    ends = np.concatenate([still, rest])
    padded = PPoly(
        np.concatenate([ends[:, :1], curve.c, ends[:, 1:]], axis=1),
        np.concatenate([[curve.x[0] - window], curve.x, [curve.x[-1] + window]]),
    )
    breaks = np.unique(np.concatenate([curve.x - half, curve.x + half]))
    breaks = breaks[np.concatenate([[True], np.diff(breaks) > SAME_MOMENT_S])]
    middle = (breaks[:-1] + breaks[1:]) / 2
    orders = range(len(curve.c))
    integral = padded.antiderivative()
    taylor = [
        (function(middle + half, order) - function(middle - half, order)) / window
        for function, order in [(integral, 0), *((padded, order) for order in orders)]
    ]
    return _from_taylor(np.array(taylor), breaks)


def _from_taylor(derivatives: np.ndarray, breaks: np.ndarray) -> PPoly:
    """Build the polynomial pieces whose (K, N, D) derivatives at their middles are given."""
    count = len(derivatives)
    back = -(np.diff(breaks) / 2)[:, None]
    local = [
        sum(
            derivatives[order + more] * back**more / math.factorial(more)
            for more in range(count - order)
        )
        / math.factorial(order)
        for order in range(count)
    ]
    return PPoly(np.array(local[::-1]), breaks)


def segment_peaks(curve: PPoly, order: int) -> np.ndarray:
    """Exact peaks of |d^order curve / dt^order| in each segment, (N, D); order 1 to 3.

    For pieces of degree 4 at most: the extremes are then roots of a quadratic.
    """
    piece = curve.derivative(order).c
    step = np.diff(curve.x)[:, None]
    powers = np.arange(len(piece) - 1, -1, -1)[:, None, None]
    slope = (piece * powers)[:-1]
    slope = np.concatenate([np.zeros((max(0, 3 - len(slope)), *piece.shape[1:])), slope])
    candidates = [np.zeros_like(piece[0]), np.broadcast_to(step, piece.shape[1:])]
    square, linear, constant = slope
    with np.errstate(divide='ignore', invalid='ignore'):
        root = np.sqrt(linear**2 - 4 * square * constant)
        # This form also holds where the quadratic is a line.
        shifted = -(linear + np.where(linear < 0, -root, root)) / 2
        candidates += [shifted / square, constant / shifted]
    peak = np.zeros_like(piece[0])
    for moment in candidates:
        inside = np.where((moment >= 0) & (moment <= step), moment, 0.0)
        peak = np.maximum(peak, np.abs((piece * inside**powers).sum(axis=0)))
    return peak


def time_scale(curve: PPoly, times: np.ndarray, profile: RobotProfile) -> float | Refusal:
    """Smallest s >= 1 at which the curve, run s times slower, keeps the rate limits.

    A refusal names the segment between two of the (N,) ``times`` of the requested points.
    Velocities fall with s, accelerations with its square and jerks with its cube. The jerk counts
    where the profile limits it.
    """
    kinds = {
        'velocity': VELOCITY_SHARE * profile.per_joint('max_velocity'),
        'acceleration': profile.safety.acceleration_fraction
        * profile.per_joint('max_acceleration'),
        'jerk': profile.per_joint('max_jerk'),
    }
    peaks = [segment_peaks(curve, order) for order in (1, 2, 3)]
    limits = list(kinds.values())
    needed = np.stack(
        [(p / m) ** (1 / k) for k, (p, m) in enumerate(zip(peaks, limits, strict=True), 1)]
    )
    kind, piece, joint = np.unravel_index(np.argmax(needed), needed.shape)
    scale, largest = float(max(1.0, needed[kind, piece, joint])), profile.safety.max_time_scale
    if scale <= largest:
        return scale
    moment = (curve.x[piece] + curve.x[piece + 1]) / 2
    index = int(np.clip(np.searchsorted(times, moment, 'right') - 1, 0, len(times) - 2))
    name, value = profile.joint_names[joint], float(peaks[kind][piece, joint])
    limit = float(limits[kind][joint])
    unit = ('m' if profile.is_gripper[joint] else 'rad') + ('/s', '/s^2', '/s^3')[kind]
    text = (
        f'{name} between points {index} and {index + 1}: {list(kinds)[kind]} {value:.4g} {unit} '
        f'against a limit of {limit:.4g} {unit} needs time_scale {scale:.4g}, '
        f'above max_time_scale = {largest:.4g}'
    )
    return Refusal(ErrorCode.TIME_SCALE_EXCEEDED, text, name, index, value, limit)
