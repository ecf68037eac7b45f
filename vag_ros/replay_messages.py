"""Messages of the replay server, filled from the core's values."""

import array
from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Time
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import Refusal
from vag_core.safety.plan import Plan
from vag_core.safety.request import TrajectoryRequest, check_stamp
from vag_ros.convert import to_duration, to_ns
from vag_ros.msg import ClampReport, ReplayState

if TYPE_CHECKING:
    from vag_ros.replay_goal import ReplayGoal

NOT_CHECKED = float('nan')


def to_request(trajectory: JointTrajectory) -> TrajectoryRequest:
    """Take names, positions and times out of a trajectory, unchecked."""
    return TrajectoryRequest(
        joint_names=tuple(trajectory.joint_names),
        positions=[list(point.positions) for point in trajectory.points],
        times=[to_ns(point.time_from_start) * 1e-9 for point in trajectory.points],
    )


def stamp_refusal(trajectory: JointTrajectory, now_ns: int) -> Refusal | None:
    """Refuse a trajectory that is over, or starts later by itself."""
    start = end = to_ns(trajectory.header.stamp)
    if trajectory.points:
        end += to_ns(trajectory.points[-1].time_from_start)
    return check_stamp(start, end, now_ns)


def point(
    positions: np.ndarray, time_s: float = 0.0, *derivatives: np.ndarray
) -> JointTrajectoryPoint:
    """Build a trajectory point; ``derivatives`` are velocities, then accelerations."""
    message = JointTrajectoryPoint(
        positions=floats(positions), time_from_start=to_duration(round(time_s * 1e9))
    )
    for field, values in zip(('velocities', 'accelerations'), derivatives, strict=False):
        setattr(message, field, floats(values))
    return message


def floats(values: np.ndarray) -> array.array:
    """Turn a float array into what message fields store, without a detour over a list."""
    return array.array('d', np.asarray(values, dtype=np.float64).tobytes())


def fill_state(state: ReplayState, goal: 'ReplayGoal | None', measured: np.ndarray) -> None:
    """Fill in what is measured, and what is known of the current or last goal."""
    state.actual = point(measured)
    if goal is None:
        return
    state.episode_id, state.plan_id = goal.episode_id, goal.plan_id
    if goal.plan is not None:
        state.time_scale = goal.plan.time_scale
        state.motion_duration = goal.plan.motion_duration
    state.warnings = list(goal.warnings)
    if goal.motion is not None:
        elapsed, command = goal.schedule.sent * goal.plan.period, goal.motion.command
        state.time_from_start = elapsed
        state.request_time = goal.plan.request_time(goal.motion.path_time)
        state.speed_scaling = goal.motion.path_speed
        state.desired = point(command, elapsed)
        state.error = point(command - measured, elapsed)
        state.commands_sent = goal.schedule.sent
        state.late_ticks = goal.schedule.late_ticks
        state.max_lateness = goal.schedule.max_lateness * 1e-9
        state.delay = goal.schedule.delay * 1e-9


def planned_trajectory(plan: Plan, profile: RobotProfile, stamp: Time) -> JointTrajectory:
    """Turn a plan into a trajectory with one point per command tick, approach included."""
    message = JointTrajectory(joint_names=list(profile.joint_names))
    message.header.stamp = stamp
    states = zip(plan.positions, plan.times, plan.velocities, plan.accelerations, strict=True)
    message.points = [point(*state) for state in states]
    return message


def clamp_report(
    plan: Plan, profile: RobotProfile, episode_id: str, plan_id: str, saturated: int
) -> ClampReport:
    """Say what the plan changed in the request."""
    checked = plan.min_distance is not None
    return ClampReport(
        episode_id=episode_id,
        plan_id=plan_id,
        joint_names=list(profile.joint_names),
        position_clamps=plan.clamps.tolist(),
        largest_position_clamp=plan.largest_clamp.tolist(),
        largest_smoothing=plan.largest_smoothing.tolist(),
        requested_peak_velocity=plan.requested_peak_velocity.tolist(),
        planned_peak_velocity=plan.planned_peak_velocity.tolist(),
        requested_peak_acceleration=plan.requested_peak_acceleration.tolist(),
        planned_peak_acceleration=plan.planned_peak_acceleration.tolist(),
        time_scale=plan.time_scale,
        approach_duration=plan.approach_duration,
        motion_duration=plan.motion_duration,
        clearance_checked=checked,
        min_distance=plan.min_distance if checked else NOT_CHECKED,
        min_distance_time=plan.times[plan.min_distance_tick] if checked else NOT_CHECKED,
        min_distance_bodies=' / '.join(plan.min_distance_bodies) if checked else '',
        saturated_commands=saturated,
    )
