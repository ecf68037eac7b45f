"""Real-time priority for a process while one of its threads streams commands, where granted."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

TASKS = Path('/proc/self/task')


@contextlib.contextmanager
def real_time(priority: int) -> Iterator[str]:
    """Run the calling thread as SCHED_FIFO; yields what came of it. 0 does not ask.

    The other threads of the process follow at 1: each of them holds the interpreter's lock at
    times, and one that waits for a processor with it would hold up the calling thread. Child
    processes and new threads don't inherit it. Needs CAP_SYS_NICE, or an rtprio limit at least as
    high.
    """
    if not priority:
        yield 'not asked for'
        return
    before = {}
    try:
        _ask(0, priority, before)
    except (OSError, AttributeError) as error:
        yield f'refused: {error}; commands run at normal priority'
        return
    own = threading.get_native_id()
    for thread in [int(entry.name) for entry in TASKS.iterdir()]:
        # It may have ended meanwhile.
        with contextlib.suppress(OSError):
            if thread != own:
                _ask(thread, 1, before)
    try:
        yield f'SCHED_FIFO, priority {priority}'
    finally:
        for thread, policy in before.items():
            with contextlib.suppress(OSError):
                os.sched_setscheduler(thread, *policy)


def _ask(thread: int, priority: int, before: dict) -> None:
    """Note the policy of a thread (0: this one) in ``before``, and change it."""
    policy = os.sched_getscheduler(thread), os.sched_getparam(thread)
    wanted = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    os.sched_setscheduler(thread, wanted, os.sched_param(priority))
    before[thread] = policy
