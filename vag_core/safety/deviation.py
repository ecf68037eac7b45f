"""Deviation: by which joint, and how far, a measured pose is off where it should be."""

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import Plan


def beyond(
    error: np.ndarray, allowed: np.ndarray, profile: RobotProfile, code: ErrorCode, when: str
) -> Refusal | None:
    """Name the first joint whose (D,) error, rad and m, is not within ``allowed``, or None."""
    exceeded = ~(np.abs(error) <= allowed)
    if not exceeded.any():
        return None
    joint = int(np.argmax(exceeded))
    name, unit = profile.joint_names[joint], 'm' if profile.is_gripper[joint] else 'rad'
    value, limit = float(error[joint]), float(allowed[joint])
    text = f'{name}: {value:+.4f} {unit} off {when} = {limit:.4f} {unit}'
    return Refusal(code, text, name, None, value, limit)


def arrived(
    plan: Plan,
    measured: np.ndarray,
    profile: RobotProfile,
    goal_tolerance: np.ndarray | None = None,
) -> Refusal | None:
    """Return None when the (D,) measured pose is within ``goal_tolerance`` of the plan's end."""
    tolerance = profile.tolerance('goal_tolerance') if goal_tolerance is None else goal_tolerance
    return beyond(
        measured - plan.positions[-1],
        tolerance,
        profile,
        ErrorCode.GOAL_TOLERANCE_VIOLATED,
        'at the end; goal_tolerance',
    )


def moved(plan: Plan, measured: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Return None when the arms still stand, within ``start_tolerance``, where the plan starts."""
    return beyond(
        measured - plan.positions[0],
        profile.tolerance('start_tolerance'),
        profile,
        ErrorCode.START_STATE_VIOLATED,
        'since the plan was made; start_tolerance',
    )


def displaced(before: np.ndarray, measured: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Return None when the (D,) pose is within ``goal_tolerance`` of an earlier one."""
    return beyond(
        measured - before,
        profile.tolerance('goal_tolerance'),
        profile,
        ErrorCode.START_STATE_VIOLATED,
        'its place; goal_tolerance',
    )
