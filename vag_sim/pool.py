"""Independent jobs over the cores, and their progress bar."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

J = TypeVar('J')
R = TypeVar('R')


def run_parallel(
    function: Callable[[J], R], jobs: Sequence[J], workers: int | None = None
) -> Iterator[R]:
    """Call ``function`` with each job on all cores, or on ``workers`` processes.

    Yields what it returns as it comes. Every process has one thread, so that what is computed
    does not depend on their number; a single worker is this process itself.
    """
    workers = worker_count(jobs, workers)
    if workers == 1:
        for job in jobs:
            with _as_one_thread():
                result = function(job)
            yield result
        return
    # Spawned, because an OpenGL context does not survive a fork.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        pending = [pool.submit(function, job) for job in jobs]
        try:
            for future in as_completed(pending):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def worker_count(jobs: Sequence[J], workers: int | None) -> int:
    """Return how many processes work on the jobs."""
    return min(workers or len(os.sched_getaffinity(0)), max(len(jobs), 1))


def _one_thread() -> None:
    """Let a new process use one core: together they use all."""
    import cv2

    cv2.setNumThreads(1)
    # Torch, which not every job needs, looks at it when it is loaded. What a script imports is
    # loaded here before this is called.
    os.environ['OMP_NUM_THREADS'] = '1'
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(1)


@contextmanager
def _as_one_thread() -> Iterator[None]:
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


@contextmanager
def progress_bar(title: str, total: int, done: int) -> Iterator[Callable[[], None]]:
    """Show how many of ``total`` jobs are done; gives a function to call after each."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(elapsed_when_finished=False),
        # What a command prints may be JSON for another program.
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task('', total=total, completed=done)
        yield lambda: progress.advance(bar)
