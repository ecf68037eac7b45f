"""Saturator: the last stage before the driver, independent of the planner.

It knows only the commands themselves. The first one that would leave the position range or change
faster than the velocity and acceleration limits allow trips it; from then on it ignores its input
and brings each joint to rest by itself. A trip is a fault of the software above it, never part of
normal work.
"""

import numpy as np

from vag_core.robot import RobotProfile

# Rad and m: below the resolution of any driver, above the rounding of float64.
ROUNDING = 1e-9


class Saturator:
    """Passes commands that keep the limits; trips on the first that doesn't.

    Args:
        start: (D,) position at which the arms rest.
        profile: gives the limits.
        period: s between two commands.
    """

    def __init__(self, start: np.ndarray, profile: RobotProfile, period: float):
        self._position = np.array(start, dtype=float)
        self._step = np.zeros_like(self._position)
        self._lower = np.minimum(profile.lower, start)
        self._upper = np.maximum(profile.upper, start)
        self._max_step = profile.per_joint('max_velocity') * period
        self._max_change = profile.per_joint('max_acceleration') * period**2
        self.changed = 0
        self.tripped_joint: int | None = None

    @property
    def tripped(self) -> bool:
        """Whether a command broke a limit; there is no way back but a new Saturator."""
        return self.tripped_joint is not None

    @property
    def at_rest(self) -> bool:
        """Whether the last two commands were equal."""
        return not self._step.any()

    def limit(self, command: np.ndarray) -> np.ndarray:
        """Return the (D,) command to send: ``command`` itself, or a braking step once tripped."""
        if not self.tripped:
            step = command - self._position
            kept = (
                (np.abs(step) <= self._max_step + ROUNDING)
                & (np.abs(step - self._step) <= self._max_change + ROUNDING)
                & (command >= self._lower - ROUNDING)
                & (command <= self._upper + ROUNDING)
            )
            if kept.all():
                self._position, self._step = command, step
                return command
            self.tripped_joint = int(np.argmin(kept))
        self.changed += 1
        self._step = np.sign(self._step) * np.maximum(np.abs(self._step) - self._max_change, 0.0)
        self._position = np.clip(self._position + self._step, self._lower, self._upper)
        return self._position
