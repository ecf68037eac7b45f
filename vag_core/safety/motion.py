"""Motion: one execution of a plan, tick by tick, with everything that may end it early.

A tick decides what to command next from the plan, the measured pose and requests to stop. It knows
neither clocks nor messages, so every ending can be tested without a robot.
"""

import dataclasses

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.deviation import beyond
from vag_core.safety.feedback import Measured
from vag_core.safety.following import Following, Frozen, Standstill
from vag_core.safety.outcome import FAULTS, ErrorCode, Refusal
from vag_core.safety.plan import Plan
from vag_core.safety.playback import Playback
from vag_core.safety.retreat import Retreat
from vag_core.safety.saturator import Saturator

# Endings after which staying at the target would push on against whatever holds an arm.
YIELDING = (ErrorCode.PATH_TOLERANCE_VIOLATED, ErrorCode.COLLISION)
# Told once, when somebody asks for it; other reasons may be told at each tick while they last.
ASKED = (ErrorCode.STOPPED, ErrorCode.CANCELED, ErrorCode.SHUTTING_DOWN)


class Motion:
    """Executes ``plan``; ends early for the first reason to stop.

    It then brakes along the path. After one of the reasons :data:`YIELDING` it waits there until
    the arms stand still, and its command retreats to where they are; unless that is farther than
    ``retreat_max``, the arms do not come to rest within ``goal_time_s``, or do not stand by while
    the command comes back, joint states are lost or frozen, or another reason to stop comes: then
    it holds. Whoever has asked for a stop gets a hold as well: after one, only a collision that
    is reported is given way to, and after a shutdown nothing is.

    Args:
        plan: what to do.
        profile: gives the limits.
        path_tolerance: (D,) largest following error; the profile's by default.

    Attributes:
        command: (D,) what was commanded last; the start pose before the first tick.
        ending: why the motion does not reach its end; None while it is undisturbed.
        fault: the first reason to stop after which a reset is needed, whatever the ending is.
    """

    def __init__(
        self, plan: Plan, profile: RobotProfile, path_tolerance: np.ndarray | None = None
    ):
        self.plan = plan
        self.command = plan.positions[0]
        self.ending: Refusal | None = None
        self.fault: Refusal | None = None
        self._profile = profile
        self._tolerance = (
            profile.tolerance('path_tolerance') if path_tolerance is None else path_tolerance
        )
        self._playback = Playback(
            plan.positions, plan.period, profile.per_joint('max_acceleration')
        )
        self._saturator = Saturator(plan.positions[0], profile, plan.period)
        self._following = Following(profile)
        self._standstill = Standstill(profile)
        self._frozen = Frozen(profile)
        self._reasons: set[ErrorCode] = set()
        self._told: set[str] = set()
        self._begun = False
        self._yielding = False
        self._holding = False
        self._waited = 0
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
        if self._retreat is not None:
            return self._retreat.at_rest
        if self._yielding and self._begun and not self._holding:
            return False
        return self._playback.at_rest

    def stop(self, reason: Refusal) -> None:
        """End from the next tick on; a reason that came before is kept.

        A reason to hold that comes after one to yield ends the yielding as well; one that was
        there before does not prevent it, unless somebody had asked. A new reason of either kind
        ends a retreat that has begun.
        """
        self.ending = self.ending or reason
        if reason.code in FAULTS:
            self.fault = self.fault or reason
        self._playback.decelerate()
        if reason.code in YIELDING:
            self._yielding = self._yielding or self._may_yield(reason.code)
            if self._retreat is not None and reason.message not in self._told:
                self._hold(reason.message)
            self._told.add(reason.message)
        elif self._yielding and (reason.code in ASKED or reason.code not in self._reasons):
            self._hold(reason.message)
        self._reasons.add(reason.code)

    def _may_yield(self, code: ErrorCode) -> bool:
        if code is ErrorCode.COLLISION:
            return ErrorCode.SHUTTING_DOWN not in self._reasons
        return self._reasons.isdisjoint(ASKED)

    def off_path(self, measured: Measured) -> Refusal | None:
        """Return None while the arms are near the command; not to be asked twice of a message.

        During a retreat they are to stand by: between the command and where it goes.
        """
        if self._retreat is None:
            ends, tolerance = (self.command, self.command), self._tolerance
            when = f'at {self.path_time:.3f} s of the motion; path_tolerance'
        else:
            goal = self._retreat.target
            ends = np.minimum(self.command, goal), np.maximum(self.command, goal)
            tolerance = self._profile.tolerance('goal_tolerance')
            when = 'the way back; goal_tolerance'
        return self._following.judge(measured, ends, tolerance, when)

    def tick(self, measured: Measured, stale: Refusal | None) -> np.ndarray | None:
        """Return the command (D,) of this tick, or None when the motion is over.

        Args:
            measured: what was measured last.
            stale: why ``measured`` can't be relied on, if so.
        """
        self._frozen.look(measured)
        reason = stale or self.off_path(measured)
        if reason is not None:
            self.stop(reason)
            if self._retreat is not None:
                self._hold(reason.message)
        if self._yielding and self._begun and self._playback.at_rest:
            self._yield(measured, stale)
        return None if self.over else self._send((self._retreat or self._playback).next())

    def _send(self, wanted: np.ndarray) -> np.ndarray:
        self._begun = True
        self.command = self._saturator.limit(wanted)
        if self._saturator.tripped:
            joint = self._profile.joint_names[self._saturator.tripped_joint]
            text = f'{joint}: a command beyond its limits at {self.path_time:.3f} s was not sent'
            self.stop(Refusal(ErrorCode.SOFTWARE_FAULT, text, joint))
        return self.command

    def _yield(self, measured: Measured, stale: Refusal | None) -> None:
        """Begin the retreat once the arms stand still, or hold."""
        if self._retreat is not None or self._holding:
            return
        limit = self._profile.safety.goal_time_s
        if stale is not None:
            self._hold(stale.message)
        elif self._standstill.reached(measured):
            frozen = self._frozen.arm(self.command)
            if frozen:
                self._hold(f'the joint states of arm {frozen} may be frozen')
            else:
                self._begin_retreat(measured.pose)
        elif self._waited * self.plan.period >= limit:
            self._hold(f'the arms were not at rest within goal_time_s = {limit:.1f} s')
        self._waited += 1

    def _begin_retreat(self, pose: np.ndarray) -> None:
        retreat = Retreat(self.command, pose, self._profile, self.plan.period)
        limit = np.full_like(self.command, self._profile.safety.retreat_max)
        too_far = beyond(
            retreat.target - self.command,
            limit,
            self._profile,
            ErrorCode.PATH_TOLERANCE_VIOLATED,
            'when it had braked; retreat_max',
        )
        if too_far is None:
            self._retreat = retreat
            self._following = Following(self._profile)  # what came before says nothing of the way
        else:
            self._hold(too_far.message)

    def _hold(self, why: str) -> None:
        if self._holding:
            return
        self._holding = True
        if self._retreat is not None:
            self._retreat.decelerate()
        text = f'{self.ending.message}; held: {why}'
        self.ending = dataclasses.replace(self.ending, message=text)
