"""SIGINT and SIGTERM as a request that the training loop obeys between two steps."""

import signal
import threading
from types import FrameType


class Interrupted(Exception):  # noqa: N818  (an outcome that the user asked for)
    """The user asked to stop; what was done so far is saved."""


class Interrupt:
    """Remembers a first signal; a second one has its usual effect.

    A context manager; outside the main thread it never remembers any.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False
        self._usual: dict[int, object] = {}

    def __enter__(self) -> 'Interrupt':
        if threading.current_thread() is threading.main_thread():
            self._usual = {s: signal.signal(s, self._remember) for s in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def check(self, where: str) -> None:
        """Raise Interrupted when a signal came."""
        if self.asked:
            raise Interrupted(where)

    def _remember(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._usual.items():
            signal.signal(number, handler)
        self._usual = {}
