"""Gate: armed or not, latched or not. Only a reset clears a latch, and arming must follow."""

from vag_core.safety.outcome import ErrorCode, Refusal


class Gate:
    """Decides whether motion is permitted; starts disarmed."""

    def __init__(self) -> None:
        self.armed = False
        self.latch_reason = ''

    @property
    def latched(self) -> bool:
        """Whether a stop or fault waits for :meth:`reset`."""
        return bool(self.latch_reason)

    def refusal(self) -> Refusal | None:
        """Why no motion is permitted now, or None."""
        if self.latched:
            text = f'latched: {self.latch_reason}; call vag/reset, then vag/arm'
            return Refusal(ErrorCode.LATCHED, text)
        if not self.armed:
            return Refusal(ErrorCode.NOT_ARMED, 'not armed; call vag/arm')
        return None

    def latch(self, reason: str) -> None:
        """Disarm and stay so until :meth:`reset`; the first reason is kept."""
        self.armed = False
        self.latch_reason = self.latch_reason or reason

    def reset(self) -> None:
        """Clear the latch and disarm: to move again, arming must follow."""
        self.armed, self.latch_reason = False, ''

    def arm(self) -> Refusal | None:
        """Permit motion, or say why not."""
        if self.latched:
            return self.refusal()
        self.armed = True
        return None

    def disarm(self) -> None:
        """Forbid motion."""
        self.armed = False
