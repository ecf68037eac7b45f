"""A request to end, from signals and threads."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable


class EndRequest:
    """Asked for as often as may be, also by signals that interrupt each other.

    A ``threading.Event`` would not do: its lock is not reentrant, so a second signal that comes
    while the handler of a first one runs would wait for ever, in the main thread.

    Attributes:
        asked: whether the end was asked for.
    """

    def __init__(self) -> None:
        self.asked = False
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def listen(self, numbers: Iterable[signal.Signals]) -> None:
        """Let these signals ask for the end; in the main thread only.

        Python runs their handlers in the main thread, but what wakes it is the signal itself: one
        that comes just before it begins to wait, or that another thread receives, leaves it
        asleep. So the interpreter is told to write to the pipe as well, at once and wherever the
        signal arrives.
        """
        for number in numbers:
            signal.signal(number, self.ask)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def ask(self, *_: object) -> None:
        """Ask for the end; may be a signal handler."""
        self.asked = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b'.')

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the end is asked for; return whether it was."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.asked:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if not select.select([self._read], [], [], left)[0]:
                break
            # A signal's byte may come before its handler has run, or belong to another signal.
            os.read(self._read, 4096)
        return self.asked
