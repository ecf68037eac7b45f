"""A request to end, from signals and threads."""

import contextlib
import os
import select


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

    def ask(self, *_: object) -> None:
        """Ask for the end; may be a signal handler."""
        self.asked = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b'.')

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the end is asked for; return whether it was."""
        select.select([self._read], [], [], timeout_s)
        return self.asked
