"""Schedule: when the next command is due, which stamp it carries, and how late commands were."""


class Schedule:
    """Absolute schedule with a fixed period that never catches up.

    Stamps are equidistant: tick k carries ``stamp_origin + k * period``, whenever it is sent, so
    that differences over stamps are those of the plan. Small jitter does not accumulate. After a
    tick that was late by more than :data:`JITTER_SHARE` of a period, all later ones move back with
    it: no two commands follow each other much faster than the period. ``delay`` sums up by how
    much the present tick has moved against the stamps.

    All times are in ns.
    """

    JITTER_SHARE = 0.5

    def __init__(self, period: int, now: int, stamp_origin: int):
        self._period = period
        self._stamp_origin = stamp_origin
        self._start = self._last = now
        self.due = now
        self.sent = 0
        self.late_ticks = 0
        self.max_lateness = 0
        self.delay = 0

    @property
    def stamp(self) -> int:
        """Stamp of the tick that is due next."""
        return self._stamp_origin + self.sent * self._period

    @property
    def rate_hz(self) -> float:
        """Ticks per second from the start to the last one sent; 0 before the second."""
        elapsed = (self._last - self._start) * 1e-9
        return (self.sent - 1) / elapsed if self.sent > 1 and elapsed > 0 else 0.0

    def resume(self, now: int) -> None:
        """Let the next tick be due ``now``, after a rest that belongs to no motion.

        It is never due earlier than it was: a rest may end within the last tick's period.
        """
        now = max(now, self.due)
        rest = now - self.due
        self._stamp_origin += rest
        self._start += rest
        self.due = now

    def count(self, now: int) -> None:
        """Note that the tick was sent at ``now``, and schedule the next one."""
        lateness = max(now - self.due, 0)
        self._last = now
        self.sent += 1
        self.late_ticks += lateness > self._period
        self.max_lateness = max(self.max_lateness, lateness)
        shift = lateness if lateness > self.JITTER_SHARE * self._period else 0
        self.delay += shift
        self.due += shift + self._period
