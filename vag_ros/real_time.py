"""Real-time priority for the thread that streams commands, where the system grants it."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def real_time(priority: int) -> Iterator[str]:
    """Run the calling thread as SCHED_FIFO; yields what came of it. 0 does not ask.

    Child processes don't inherit it. Needs CAP_SYS_NICE, or an rtprio limit at least as high.
    """
    if not priority:
        yield 'not asked for'
        return
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except (OSError, AttributeError) as error:
        yield f'refused: {error}; commands run at normal priority'
        return
    try:
        yield f'SCHED_FIFO, priority {priority}'
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, *before)
