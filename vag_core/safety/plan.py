"""make_plan: a requested trajectory in, a Plan at the command rate or a Refusal out."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PPoly

from vag_core.robot import RobotProfile
from vag_core.safety.approach import Ramp, approach_ramp, start_pose
from vag_core.safety.clearance import Clearance
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.request import CheckedRequest, TrajectoryRequest, check_request
from vag_core.safety.timing import monotone_curve, segment_peaks, smoothed, time_scale

# Positions are of order 1 and differences of them are divided by the squared period.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Plan:
    """What will be commanded, tick by tick, and what was changed to make it so.

    Arrays are (M, D) over ticks or (D,) per joint, in the profile's joint order, rad and m.

    Attributes:
        period: s between two ticks.
        positions, velocities, accelerations: (M, D), the approach included; row 0 is the start
            pose, the last row the end of the request; both at rest.
        time_scale: >= 1; the whole request runs this many times slower.
        approach_duration: s from the measured pose to the request's first positions.
        motion_duration: s, approach and trajectory together.
        request_start: s, the instant of the request at which the approach ends: its first point,
            or half a smoothing window earlier.
        largest_smoothing: (D,) rad and m, how far smoothing moved a requested point.
        clamps, largest_clamp: (D,) points moved onto a limit, and the largest of those moves.
        requested_peak_velocity, requested_peak_acceleration: (D,) of the request at its own speed.
        planned_peak_velocity, planned_peak_acceleration: (D,) by differences between ticks.
        distances: (M,) m between the two bodies with the least room at every tick; None when
            nobody checked.
        min_distance, min_distance_tick, min_distance_bodies, required_distance: where there is
            the least room of all: how much, when, between which two bodies, and how much the
            profile asks for between those.
    """

    period: float
    positions: np.ndarray
    velocities: np.ndarray
    accelerations: np.ndarray
    time_scale: float
    approach_duration: float
    motion_duration: float
    request_start: float
    largest_smoothing: np.ndarray
    clamps: np.ndarray
    largest_clamp: np.ndarray
    requested_peak_velocity: np.ndarray
    requested_peak_acceleration: np.ndarray
    planned_peak_velocity: np.ndarray
    planned_peak_acceleration: np.ndarray
    distances: np.ndarray | None = None
    min_distance: float | None = None
    min_distance_tick: int | None = None
    min_distance_bodies: tuple[str, str] | None = None
    required_distance: float | None = None

    @property
    def times(self) -> np.ndarray:
        """(M,) s from the start of the motion to each tick."""
        return np.arange(len(self.positions)) * self.period

    def execution_time(self, request_time: float) -> float:
        """When the instant ``request_time`` is executed, s from the motion's start."""
        return self.approach_duration + self.time_scale * (request_time - self.request_start)

    def request_time(self, execution_time: float) -> float:
        """Which instant of the request is executed at ``execution_time``: the inverse mapping.

        Earlier than ``request_start`` during the approach.
        """
        return self.request_start + (execution_time - self.approach_duration) / self.time_scale


def command_period_ns(profile: RobotProfile) -> int:
    """Whole ns between two ticks, so that stamps are exactly equidistant."""
    return round(1e9 / profile.command_rate_hz)


def make_plan(
    request: TrajectoryRequest,
    profile: RobotProfile,
    measured: np.ndarray,
    clearance: Clearance | None = None,
) -> Plan | Refusal:
    """Check and time ``request`` and sample it, from the ``measured`` pose (D,) to its end."""
    checked = check_request(request, profile)
    if isinstance(checked, Refusal):
        return checked
    curve = requested = monotone_curve(checked.times, checked.positions)
    if profile.safety.smoothing_window_s:
        curve = smoothed(requested, profile.safety.smoothing_window_s)
    moved = np.abs(curve(checked.times) - checked.positions)
    refusal = _smoothing_refusal(moved, profile)
    if refusal is not None:
        return refusal
    scale = time_scale(curve, checked.times, profile)
    if isinstance(scale, Refusal):
        return scale
    start = start_pose(np.asarray(measured, dtype=float), checked.positions[0], profile)
    if isinstance(start, Refusal):
        return start
    ramp = approach_ramp(start, checked.positions[0], profile)
    period = command_period_ns(profile) * 1e-9
    plan = _sampled(
        checked,
        curve,
        scale,
        ramp,
        period,
        requested=requested,
        largest_smoothing=moved.max(axis=0),
    )
    refusal = _recheck(plan, start, profile)
    if refusal is not None:
        return refusal
    if clearance is not None:
        answer = clearance.nearest(plan.positions)
        tick = answer.tightest
        plan = dataclasses.replace(
            plan,
            distances=answer.distance,
            min_distance=float(answer.distance[tick]),
            min_distance_tick=tick,
            min_distance_bodies=tuple(answer.bodies[tick]),
            required_distance=float(answer.required[tick]),
        )
    return _clearance_refusal(plan, profile) or plan


def difference_peaks(positions: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    """Peak |velocity| and |acceleration| (D,) by differences of (M, D) ticks between two rests."""
    still = np.concatenate([positions[:1], positions, positions[-1:]])
    velocity = np.diff(still, axis=0) / period
    acceleration = np.diff(velocity, axis=0) / period
    return np.abs(velocity).max(axis=0), np.abs(acceleration).max(axis=0)


def _smoothing_refusal(moved: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Refuse where smoothing moved a point, (N, D), farther than the profile allows."""
    largest, allowed = moved.max(axis=0), profile.tolerance('max_smoothing')
    for joint in np.flatnonzero(largest > allowed)[:1]:
        index = int(np.argmax(moved[:, joint]))
        name, unit = profile.joint_names[joint], 'm' if profile.is_gripper[joint] else 'rad'
        value, limit = float(largest[joint]), float(allowed[joint])
        text = (
            f'{name} at point {index}: smoothing over {profile.safety.smoothing_window_s} s moves '
            f'it by {value:.4g} {unit}, at most {limit:.4g} {unit} is allowed'
        )
        return Refusal(ErrorCode.INVALID_GOAL, text, name, index, value, limit)
    return None


def _sampled(
    checked: CheckedRequest,
    curve: PPoly,
    scale: float,
    ramp: Ramp,
    period: float,
    *,
    requested: PPoly,
    largest_smoothing: np.ndarray,
) -> Plan:
    begin, end = curve.x[0], curve.x[-1]
    motion = ramp.duration + scale * (end - begin)
    times = np.arange(int(np.ceil(motion / period - 1e-9)) + 1) * period
    approaching = times < ramp.duration
    moments = np.clip(begin + (times[~approaching] - ramp.duration) / scale, begin, end)
    states = [curve(moments, order) / scale**order for order in range(3)]
    # Rounding of the curve may not carry a position over a limit.
    inside = (checked.positions.min(axis=0), checked.positions.max(axis=0))
    states[0] = np.clip(states[0], *inside)
    states[0][-1], states[1][-1], states[2][-1] = checked.positions[-1], 0.0, 0.0
    if approaching.any():
        ramped = ramp.sample(times[approaching])
        states = [np.concatenate(pair) for pair in zip(ramped, states, strict=True)]
    planned_velocity, planned_acceleration = difference_peaks(states[0], period)
    return Plan(
        period=period,
        positions=states[0],
        velocities=states[1],
        accelerations=states[2],
        time_scale=scale,
        approach_duration=ramp.duration,
        motion_duration=motion,
        request_start=float(begin),
        largest_smoothing=largest_smoothing,
        clamps=checked.clamps,
        largest_clamp=checked.largest_clamp,
        requested_peak_velocity=segment_peaks(requested, 1).max(axis=0),
        requested_peak_acceleration=segment_peaks(requested, 2).max(axis=0),
        planned_peak_velocity=planned_velocity,
        planned_peak_acceleration=planned_acceleration,
    )


def _recheck(plan: Plan, start: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Hold the sampled plan against the limits once more, by nothing but its ticks."""
    lower, upper = np.minimum(profile.lower, start), np.maximum(profile.upper, start)
    for code, what, values, limits in (
        (ErrorCode.POSITION_LIMIT_VIOLATED, 'position', plan.positions.max(axis=0), upper),
        (ErrorCode.POSITION_LIMIT_VIOLATED, 'position', -plan.positions.min(axis=0), -lower),
        (
            ErrorCode.TIME_SCALE_EXCEEDED,
            'velocity',
            plan.planned_peak_velocity,
            profile.per_joint('max_velocity'),
        ),
        (
            ErrorCode.TIME_SCALE_EXCEEDED,
            'acceleration',
            plan.planned_peak_acceleration,
            profile.per_joint('max_acceleration'),
        ),
    ):
        for joint in np.flatnonzero(~(values <= limits + ROUNDING))[:1]:
            name, value, limit = profile.joint_names[joint], values[joint], limits[joint]
            text = f'{name}: the resampled {what} {value:.6g} exceeds its limit {limit:.6g}'
            return Refusal(code, text, name, None, float(value), float(limit))
    return None


def _clearance_refusal(plan: Plan, profile: RobotProfile) -> Refusal | None:
    if plan.min_distance is None:
        if not profile.safety.clearance_required:
            return None
        text = (
            f'clearance was not checked: nobody here knows the geometry of robot {profile.name}, '
            'and its profile sets clearance_required; a real robot needs its workcell in the '
            'profile, and every robot needs vag_sim: "pip install -e .[sim]" in the checkout'
        )
        return Refusal(ErrorCode.CLEARANCE_VIOLATED, text)
    tick, distance, required = plan.min_distance_tick, plan.min_distance, plan.required_distance
    if distance >= required:
        return None
    text = (
        f'{plan.min_distance_bodies[0]} and {plan.min_distance_bodies[1]} come as near as '
        f'{distance:.4f} m at {tick * plan.period:.3f} s of the motion (request time '
        f'{plan.request_time(tick * plan.period):.3f} s); {required:.4f} m are required'
    )
    return Refusal(ErrorCode.CLEARANCE_VIOLATED, text, '', tick, distance, required)
