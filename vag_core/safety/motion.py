"""Motion: one execution of a plan, tick by tick, with everything that may end it early.

A tick decides what to command next from the plan, the measured pose and requests to stop. It knows
neither clocks nor messages, so every ending can be tested without a robot.
"""

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import Plan
from vag_core.safety.playback import Playback
from vag_core.safety.saturator import Saturator


class Motion:
    """Executes ``plan``; brakes along its path for the first reason to stop.

    Attributes:
        command: (D,) what was commanded last; the start pose before the first tick.
        ending: why the motion does not reach its end; None while it is undisturbed.
    """

    def __init__(self, plan: Plan, profile: RobotProfile):
        self.plan = plan
        self.command = plan.positions[0]
        self.ending: Refusal | None = None
        self._profile = profile
        self._tolerance = profile.tolerance('path_tolerance')
        self._playback = Playback(
            plan.positions, plan.period, profile.per_joint('max_acceleration')
        )
        self._saturator = Saturator(plan.positions[0], profile, plan.period)

    @property
    def path_time(self) -> float:
        """S along the plan that the last command has reached."""
        return self._playback.path_time

    @property
    def saturated(self) -> int:
        """Number of commands that the saturator had to change."""
        return self._saturator.changed

    @property
    def over(self) -> bool:
        """Whether the last command is the final one: the plan's end, or rest after braking."""
        stage = self._saturator if self._saturator.tripped else self._playback
        return stage.at_rest

    def stop(self, reason: Refusal) -> None:
        """Brake from the next tick on; a reason that came before is kept."""
        self.ending = self.ending or reason
        self._playback.decelerate()

    def tick(self, measured: np.ndarray, stale: Refusal | None) -> np.ndarray | None:
        """Return the command (D,) of this tick, or None when the motion is over.

        Args:
            measured: (D,) newest measured pose.
            stale: why ``measured`` can't be relied on, if so.
        """
        reason = stale or self._lost_path(measured)
        if reason is not None:
            self.stop(reason)
        if self.over:
            return None
        self.command = self._saturator.limit(self._playback.next())
        if self._saturator.tripped:
            joint = self._profile.joint_names[self._saturator.tripped_joint]
            text = f'{joint}: a command beyond its limits at {self.path_time:.3f} s was not sent'
            self.stop(Refusal(ErrorCode.SOFTWARE_FAULT, text, joint))
        return self.command

    def _lost_path(self, measured: np.ndarray) -> Refusal | None:
        return _beyond(
            measured - self.command,
            self._tolerance,
            self._profile,
            ErrorCode.PATH_TOLERANCE_VIOLATED,
            f'at {self.path_time:.3f} s of the motion; path_tolerance',
        )


def arrived(plan: Plan, measured: np.ndarray, profile: RobotProfile) -> Refusal | None:
    """Return None when the (D,) measured pose is within ``goal_tolerance`` of the plan's end."""
    return _beyond(
        measured - plan.positions[-1],
        profile.tolerance('goal_tolerance'),
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
