"""Playback: the next setpoint of a plan, tick by tick, and a way to slow down along its path.

Between ticks the path is linear. A plan keeps a fraction of the acceleration limit in reserve
(``acceleration_fraction``); that reserve is what braking uses. For such a path, steps of constant
length never need more than the plan's own acceleration, so "as slow as before" is always allowed
and braking, which takes the smallest step that the limits allow, can't run into a dead end.
"""

import numpy as np

BISECTIONS = 24
SLACK = 1e-9


class Playback:
    """Walks along the (M, D) ``positions`` of a plan, one tick at a time.

    Args:
        positions: (M, D) rad and m, at rest at both ends.
        period: s between two ticks.
        max_acceleration: (D,) limits that braking may use in full.
    """

    def __init__(self, positions: np.ndarray, period: float, max_acceleration: np.ndarray):
        self._positions = positions
        self._last = len(positions) - 1
        self._limit = np.asarray(max_acceleration) * period**2 * (1 + SLACK)
        self._period = period
        self._index = -1.0
        self._step = 0.0
        self._before = self._now = positions[0]
        self._braking = False

    @property
    def path_time(self) -> float:
        """S along the plan of the last setpoint; it runs slower than time while braking."""
        return max(self._index, 0.0) * self._period

    @property
    def decelerating(self) -> bool:
        """Whether :meth:`decelerate` was called."""
        return self._braking

    @property
    def at_rest(self) -> bool:
        """Whether no further setpoint will differ from the last one."""
        return self._index >= self._last or (self._braking and self._step == 0.0)

    def decelerate(self) -> None:
        """Bring the path speed to 0 from the next tick on, as fast as the limits allow."""
        self._braking = True

    def next(self) -> np.ndarray:
        """Return the setpoint (D,) of this tick and go on."""
        self._step = self._smallest_step() if self._braking else 1.0
        self._index = min(self._index + self._step, float(self._last))
        self._before, self._now = self._now, self._at(self._index)
        return self._now

    def _smallest_step(self) -> float:
        if self._allowed(0.0):
            return 0.0
        low, high = 0.0, self._step
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._allowed(middle) else (middle, high)
        return high

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
