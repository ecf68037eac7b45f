"""Ctrl-C as a question that a loop asks, so that what is begun can be finished."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruption(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C came; a second one raises KeyboardInterrupt."""
    came = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        say('stopping after this step; Ctrl-C again stops at once')

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
