"""Playback: the next setpoint of a plan, tick by tick, at a path speed that may change.

The path speed is the share of a tick by which one tick moves along the plan: 1 replays it as
planned, 0 pauses. Between ticks the path is linear. A plan keeps a fraction of the acceleration
limit in reserve (``acceleration_fraction``); that reserve is what changes of speed use. For such a
path, steps of constant length never need more than the plan's own acceleration, so "as fast as
before" is always allowed: the speed moves towards its target as far as the limits allow, and can't
run into a dead end.
"""

import numpy as np

BISECTIONS = 24
SLACK = 1e-9
# S from standstill to the planned speed and back; a stop may be quicker.
SPEED_CHANGE_S = 0.5


class Playback:
    """Walks along the (M, D) ``positions`` of a plan, one tick at a time.

    Args:
        positions: (M, D) rad and m, at rest at both ends.
        period: s between two ticks.
        max_acceleration: (D,) limits that changes of speed may use in full.

    Attributes:
        speed: path speed to go for, from 0 to 1; the first tick has it at once, since a plan
            starts at rest.
    """

    def __init__(self, positions: np.ndarray, period: float, max_acceleration: np.ndarray):
        self._positions = positions
        self._last = len(positions) - 1
        self._limit = np.asarray(max_acceleration) * period**2 * (1 + SLACK)
        self._period = period
        self._max_change = period / SPEED_CHANGE_S
        self._index = -1.0
        self._step: float | None = None
        self._before = self._now = positions[0]
        self._braking = False
        self.speed = 1.0

    @property
    def path_time(self) -> float:
        """S along the plan of the last setpoint; it runs slower than time below full speed."""
        return max(self._index, 0.0) * self._period

    @property
    def path_speed(self) -> float:
        """Path speed of the last tick."""
        return self._step or 0.0

    @property
    def decelerating(self) -> bool:
        """Whether :meth:`decelerate` was called."""
        return self._braking

    @property
    def at_rest(self) -> bool:
        """Whether no further setpoint will differ from the last one; false during a pause."""
        return self._index >= self._last or (self._braking and not self._step)

    def decelerate(self) -> None:
        """Bring the path speed to 0 for good, from the next tick on, as fast as allowed."""
        self._braking = True

    def next(self) -> np.ndarray:
        """Return the setpoint (D,) of this tick and go on."""
        self._step = self._next_step()
        self._index = min(self._index + self._step, float(self._last))
        self._before, self._now = self._now, self._at(self._index)
        return self._now

    def _next_step(self) -> float:
        step = self._step
        if self._braking:
            return self._nearest_allowed(step, 0.0) if step else 0.0
        if step is None:
            return self.speed
        change = min(max(self.speed - step, -self._max_change), self._max_change)
        return self._nearest_allowed(step, step + change) if change else step

    def _nearest_allowed(self, step: float, wanted: float) -> float:
        """Return the step nearest to ``wanted`` that the limits allow; ``step`` is allowed."""
        if self._allowed(wanted):
            return wanted
        for _ in range(BISECTIONS):
            middle = (step + wanted) / 2
            step, wanted = (middle, wanted) if self._allowed(middle) else (step, middle)
        return step

    def _allowed(self, step: float) -> bool:
        change = self._at(self._index + step) - 2 * self._now + self._before
        return bool((np.abs(change) <= self._limit).all())

    def _at(self, index: float) -> np.ndarray:
        index = min(max(index, 0.0), float(self._last))
        tick = min(int(index), self._last - 1)
        share = index - tick
        if share in (0.0, 1.0):
            return self._positions[tick + int(share)]
        return (1 - share) * self._positions[tick] + share * self._positions[tick + 1]
