"""The way from the measured pose to the first point: a gate, then a jerk-limited ramp."""

from dataclasses import dataclass

import numpy as np
import ruckig

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal

# No jerk limit is published for the arms: the ramp reaches its full acceleration in this time.
JERK_TIME_S = 0.1
# Rad or m; less is rounding.
NO_DISTANCE = 1e-6


@dataclass(frozen=True)
class Ramp:
    """A motion from rest to rest, sampled by :meth:`sample`."""

    duration: float
    trajectory: ruckig.Trajectory | None

    def sample(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, velocities and accelerations, each (len(times), D)."""
        states = np.array([self.trajectory.at_time(float(t)) for t in times])
        ends = np.array([self.trajectory.at_time(t)[0] for t in (0.0, self.duration)])
        return states[:, 0].clip(*np.sort(ends, axis=0)), states[:, 1], states[:, 2]


def start_pose(
    measured: np.ndarray, first: np.ndarray, profile: RobotProfile
) -> np.ndarray | Refusal:
    """Return the (D,) pose to start from, or refuse when it is unfit or too far from ``first``.

    A joint that stands outside its limits by no more than ``start_tolerance`` (measurement noise)
    starts on the limit; by no more than ``clamp_tolerance``, where it stands, so that it can move
    back in without a jump.
    """
    for joint in np.flatnonzero(~np.isfinite(measured))[:1]:
        name, value = profile.joint_names[joint], float(measured[joint])
        text = f'{name}: measured position {value} is not finite'
        return Refusal(ErrorCode.FEEDBACK_STALE, text, name, value=value)
    inside = np.clip(measured, profile.lower, profile.upper)
    excess = np.abs(measured - inside)
    for joint in np.flatnonzero(excess > profile.tolerance('clamp_tolerance'))[:1]:
        name, unit = profile.joint_names[joint], 'm' if profile.is_gripper[joint] else 'rad'
        value, limit = float(measured[joint]), float(inside[joint])
        text = (
            f'{name}: measured position {value:.6g} {unit} is beyond its limit '
            f'{limit:.6g} {unit}; bring the arm back inside first'
        )
        return Refusal(ErrorCode.START_STATE_VIOLATED, text, name, None, value, limit)
    distance, allowed = np.abs(first - measured), profile.tolerance('approach_max')
    for joint in np.flatnonzero(distance > allowed)[:1]:
        name, unit = profile.joint_names[joint], 'm' if profile.is_gripper[joint] else 'rad'
        value, limit = float(distance[joint]), float(allowed[joint])
        text = (
            f'{name} at point 0: {first[joint]:.6g} {unit} is {value:.6g} {unit} away from the '
            f'measured {measured[joint]:.6g} {unit}; at most {limit:.6g} {unit} is allowed'
        )
        return Refusal(ErrorCode.START_STATE_VIOLATED, text, name, 0, value, limit)
    return np.where(excess <= profile.tolerance('start_tolerance'), inside, measured)


def approach_ramp(start: np.ndarray, first: np.ndarray, profile: RobotProfile) -> Ramp:
    """Plan a ramp between two (D,) poses, all joints in step, at ``approach_speed_scale``."""
    if np.max(np.abs(first - start)) < NO_DISTANCE:
        return Ramp(0.0, None)
    safety = profile.safety
    acceleration = profile.per_joint('max_acceleration') * min(
        safety.approach_speed_scale, safety.acceleration_fraction
    )
    joints = len(start)
    problem = ruckig.InputParameter(joints)
    problem.current_position, problem.target_position = start.tolist(), first.tolist()
    problem.max_velocity = (
        safety.approach_speed_scale * profile.per_joint('max_velocity')
    ).tolist()
    problem.max_acceleration = acceleration.tolist()
    problem.max_jerk = (acceleration / JERK_TIME_S).tolist()
    problem.synchronization = ruckig.Synchronization.Phase
    trajectory = ruckig.Trajectory(joints)
    result = ruckig.Ruckig(joints).calculate(problem, trajectory)
    if result not in (ruckig.Result.Working, ruckig.Result.Finished):
        raise RuntimeError(f'ruckig found no approach ramp: {result}')
    return Ramp(trajectory.duration, trajectory)
