"""Heartbeat: whoever replays may have to say again and again that they are still there."""

from vag_core.safety.outcome import ErrorCode, Refusal


class Heartbeat:
    """When the last beat came, by receive time on the monotonic clock.

    Args:
        timeout_s: longest time between two beats; 0 asks for none.
        topic: named in refusals.
    """

    def __init__(self, timeout_s: float, topic: str):
        self._timeout_s = timeout_s
        self._topic = topic
        self._received_ns: int | None = None

    def beat(self, now_ns: int) -> None:
        """Note a beat."""
        self._received_ns = now_ns

    def lost(self, now_ns: int) -> Refusal | None:
        """Why nobody can be assumed to be there, or None."""
        limit = self._timeout_s
        if not limit:
            return None
        if self._received_ns is None:
            text = (
                f'no heartbeat on {self._topic}; heartbeat_timeout_s = {limit:.3f} s asks for it'
            )
            return Refusal(ErrorCode.CLIENT_LOST, text, limit=limit)
        age = (now_ns - self._received_ns) * 1e-9
        if age <= limit:
            return None
        text = f'the last heartbeat on {self._topic} came {age:.3f} s ago; '
        text += f'heartbeat_timeout_s = {limit:.3f} s'
        return Refusal(ErrorCode.CLIENT_LOST, text, value=age, limit=limit)
