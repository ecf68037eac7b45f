"""Motion: one execution of a plan, tick by tick, with everything that may end it early.

A tick decides what to command next from the plan, the measured pose and requests to stop. It knows
neither clocks nor messages, so every ending can be tested without a robot.
"""

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import Plan
from vag_core.safety.playback import Playback
from vag_core.safety.retreat import Retreat
from vag_core.safety.saturator import Saturator

# Endings after which going on along the path would push on against whatever holds an arm.
YIELDING = (ErrorCode.PATH_TOLERANCE_VIOLATED, ErrorCode.COLLISION)


class Motion:
    """Executes ``plan``; ends early for the first reason to stop.

    It then brakes along the path, or, after one of the reasons :data:`YIELDING`, goes from where
    the command is to where the arms are.

    Args:
        plan: what to do.
        profile: gives the limits.
        path_tolerance: (D,) largest following error; the profile's by default.

    Attributes:
        command: (D,) what was commanded last; the start pose before the first tick.
        ending: why the motion does not reach its end; None while it is undisturbed.
    """

    def __init__(
        self, plan: Plan, profile: RobotProfile, path_tolerance: np.ndarray | None = None
    ):
        self.plan = plan
        self.command = plan.positions[0]
        self.ending: Refusal | None = None
        self._profile = profile
        self._tolerance = (
            profile.tolerance('path_tolerance') if path_tolerance is None else path_tolerance
        )
        self._playback = Playback(
            plan.positions, plan.period, profile.per_joint('max_acceleration')
        )
        self._saturator = Saturator(plan.positions[0], profile, plan.period)
        self._step = np.zeros_like(self.command)
        self._begun = False
        self._resting = False
        self._yielding = False
        self._retreat: Retreat | None = None

    @property
    def path_time(self) -> float:
        """S along the plan that the last command has reached."""
        return self._playback.path_time

    @property
    def path_speed(self) -> float:
        """Share of the planned speed at which the last tick moved along the plan."""
        return 0.0 if self._retreat is not None else self._playback.path_speed

    def set_speed(self, speed: float) -> None:
        """Go for this share of the planned speed, 0 (pause) to 1, as the limits allow."""
        self._playback.speed = speed

    @property
    def saturated(self) -> int:
        """Number of commands that the saturator had to change."""
        return self._saturator.changed

    @property
    def over(self) -> bool:
        """Whether the last command is the final one: the plan's end, or rest after braking."""
        if self._saturator.tripped:
            return self._saturator.at_rest
        if self._yielding and self._retreat is None:
            return self._playback.path_speed == 0.0
        return (self._retreat or self._playback).at_rest

    def stop(self, reason: Refusal) -> None:
        """End from the next tick on; a reason that came before is kept."""
        self.ending = self.ending or reason
        self._yielding |= reason.code in YIELDING
        self._playback.decelerate()

    def rest(self) -> None:
        """Note that the arms rest at the last command; what may follow begins with it anew."""
        self._resting = True

    def off_path(self, measured: np.ndarray) -> Refusal | None:
        """Return None while the (D,) measured pose is near enough to the last command."""
        return _beyond(
            measured - self.command,
            self._tolerance,
            self._profile,
            ErrorCode.PATH_TOLERANCE_VIOLATED,
            f'at {self.path_time:.3f} s of the motion; path_tolerance',
        )

    def tick(self, measured: np.ndarray, stale: Refusal | None) -> np.ndarray | None:
        """Return the command (D,) of this tick, or None when the motion is over.

        Args:
            measured: (D,) newest measured pose.
            stale: why ``measured`` can't be relied on, if so.
        """
        reason = stale or (None if self._retreat else self.off_path(measured))
        if reason is not None:
            self.stop(reason)
        if self._yielding and self._begun and self._retreat is None and stale is None:
            if self._resting:
                repeated = self._send(self.command)
                self._start_retreat(measured)
                return repeated
            self._start_retreat(measured)
        return None if self.over else self._send((self._retreat or self._playback).next())

    def _send(self, wanted: np.ndarray) -> np.ndarray:
        before = self.command
        self._begun, self._resting = True, False
        self.command = self._saturator.limit(wanted)
        self._step = self.command - before
        if self._saturator.tripped:
            joint = self._profile.joint_names[self._saturator.tripped_joint]
            text = f'{joint}: a command beyond its limits at {self.path_time:.3f} s was not sent'
            self.stop(Refusal(ErrorCode.SOFTWARE_FAULT, text, joint))
        return self.command

    def _start_retreat(self, measured: np.ndarray) -> None:
        if np.isfinite(measured).all():
            self._retreat = Retreat(
                self.command, self._step, measured, self._profile, self.plan.period
            )


def arrived(
    plan: Plan,
    measured: np.ndarray,
    profile: RobotProfile,
    goal_tolerance: np.ndarray | None = None,
) -> Refusal | None:
    """Return None when the (D,) measured pose is within ``goal_tolerance`` of the plan's end."""
    tolerance = profile.tolerance('goal_tolerance') if goal_tolerance is None else goal_tolerance
    return _beyond(
        measured - plan.positions[-1],
        tolerance,
        profile,
        ErrorCode.GOAL_TOLERANCE_VIOLATED,
        'at the end; goal_tolerance',
    )


def moved(plan: Plan, measured: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Return None when the arms still stand, within ``start_tolerance``, where the plan starts."""
    return _beyond(
        measured - plan.positions[0],
        profile.tolerance('start_tolerance'),
        profile,
        ErrorCode.START_STATE_VIOLATED,
        'since the plan was made; start_tolerance',
    )


def displaced(before: np.ndarray, measured: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Return None when the (D,) pose is within ``goal_tolerance`` of an earlier one."""
    return _beyond(
        measured - before,
        profile.tolerance('goal_tolerance'),
        profile,
        ErrorCode.START_STATE_VIOLATED,
        'its place; goal_tolerance',
    )


def _beyond(
    error: np.ndarray, allowed: np.ndarray, profile: RobotProfile, code: ErrorCode, when: str
) -> Refusal | None:
    exceeded = ~(np.abs(error) <= allowed)
    if not exceeded.any():
        return None
    joint = int(np.argmax(exceeded))
    name, unit = profile.joint_names[joint], 'm' if profile.is_gripper[joint] else 'rad'
    value, limit = float(error[joint]), float(allowed[joint])
    text = f'{name}: {value:+.4f} {unit} off {when} = {limit:.4f} {unit}'
    return Refusal(code, text, name, None, value, limit)
