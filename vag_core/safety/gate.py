"""Gate: armed or not, latched or not. Only a reset clears a latch, and arming must follow."""

import threading

from vag_core.safety.outcome import ErrorCode, Refusal


class Gate:
    """Decides whether motion is permitted; starts disarmed; thread-safe.

    Attributes:
        armed: whether motion is permitted.
        latch_reason: what a reset is waited for; '' for nothing.
        closings: how often motion was forbidden; an arming that takes its time notices by it
            that it was overtaken.
    """

    def __init__(self) -> None:
        self.armed = False
        self.latch_reason = ''
        self.closings = 0
        self._lock = threading.Lock()

    @property
    def latched(self) -> bool:
        """Whether a stop or fault waits for :meth:`reset`."""
        return bool(self.latch_reason)

    def refusal(self) -> Refusal | None:
        """Why no motion is permitted now, or None."""
        latch_reason, armed = self.latch_reason, self.armed
        if latch_reason:
            text = f'latched: {latch_reason}; call vag/reset, then vag/arm'
            return Refusal(ErrorCode.LATCHED, text)
        if not armed:
            return Refusal(ErrorCode.NOT_ARMED, 'not armed; call vag/arm')
        return None

    def latch(self, reason: str) -> None:
        """Disarm and stay so until :meth:`reset`; the first reason is kept."""
        with self._lock:
            self.latch_reason = self.latch_reason or reason
            self._close()

    def reset(self) -> None:
        """Clear the latch and disarm: to move again, arming must follow."""
        with self._lock:
            self._close()
            self.latch_reason = ''

    def arm(self, closings: int | None = None) -> Refusal | None:
        """Permit motion, or say why not.

        Args:
            closings: as it was when the arming began; None: it begins now.
        """
        with self._lock:
            if self.latched:
                return self.refusal()
            if closings not in (None, self.closings):
                return Refusal(ErrorCode.NOT_ARMED, 'disarmed while the arming went on')
            self.armed = True
            return None

    def disarm(self) -> None:
        """Forbid motion."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self.armed = False
        self.closings += 1
