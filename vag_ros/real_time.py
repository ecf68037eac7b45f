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

    The other threads of the process follow at 1, and so do those that they start meanwhile: each
    of them holds the interpreter's lock at times, and one that waits for a processor with it would
    hold up the calling thread. What the calling thread itself starts inherits its priority, so it
    should start nothing: SCHED_RESET_ON_FORK would prevent that, but who has an rtprio limit
    alone can't clear it, and could then not give the priority back. Needs CAP_SYS_NICE, or an
    rtprio limit at least as high.
    """
    if not priority:
        yield 'not asked for'
        return
    policy = os.SCHED_FIFO
    try:
        own = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except (OSError, AttributeError) as error:
        yield f'refused: {error}; commands run at normal priority'
        return
    before = {}
    for thread in _other_threads():
        # It may have ended meanwhile.
        with contextlib.suppress(OSError):
            before[thread] = os.sched_getscheduler(thread), os.sched_getparam(thread)
            os.sched_setscheduler(thread, policy, os.sched_param(1))
    try:
        yield f'SCHED_FIFO, priority {priority}'
    finally:
        for thread in (0, *_other_threads()):
            with contextlib.suppress(OSError):
                os.sched_setscheduler(thread, *before.get(thread, own))


def _other_threads() -> list[int]:
    """Threads of this process but the calling one."""
    own = threading.get_native_id()
    return [thread for entry in TASKS.iterdir() if (thread := int(entry.name)) != own]
