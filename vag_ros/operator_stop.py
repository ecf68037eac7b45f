"""The operator's STOP: asked again and again until the replay server answers."""

import time
from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from vag_ros import names

REPEAT_S = 0.5
PATIENCE_S = 1.0


class StopCall:
    """A call of ``vag/stop`` that does not give up: a second stop does no harm.

    Args:
        node: whose executor it runs in.
        note: called with the answer.
    """

    def __init__(self, node: Node, note: Callable[[str], None]) -> None:
        self._note = note
        self._client = node.create_client(Trigger, names.STOP)
        self._pressed: float | None = None
        self._timer = node.create_timer(
            REPEAT_S, self._send, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._timer.cancel()

    def press(self) -> tuple[bool, str]:
        """Begin to call; return whether somebody is there to hear it, and a line about it."""
        if self._pressed is None:
            self._pressed = time.monotonic()
        self._timer.reset()
        self._send()
        if self._client.service_is_ready():
            return True, f'{names.STOP} called'
        return False, f'{names.STOP} is not there; it is called as soon as it is'

    @property
    def alarm(self) -> str:
        """A line while nobody has answered for more than :data:`PATIENCE_S`, else ''."""
        since = 0.0 if self._pressed is None else time.monotonic() - self._pressed
        if since < PATIENCE_S:
            return ''
        return f'{names.STOP}: NO ANSWER for {since:.0f} s. Use the hardware emergency stop.'

    def _send(self) -> None:
        if self._client.service_is_ready():
            self._client.call_async(Trigger.Request()).add_done_callback(self._on_answer)

    def _on_answer(self, future: Future) -> None:
        if self._pressed is None:
            return
        self._pressed = None
        self._timer.cancel()
        answer = future.result()
        outcome = 'done' if answer.success else 'REFUSED'
        self._note(f'{names.STOP} {outcome}: {answer.message}')
