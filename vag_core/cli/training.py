"""What every verb that trains has in common: its options, progress bars and ways to end."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from vag_core.train.interrupt import Interrupt
    from vag_core.train.run import RunOptions

Made = TypeVar('Made')

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130
LABELS = {
    'vae': 'VAE',
    'video': 'video stream',
    'action': 'action stream',
    'joint': 'both streams',
}


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare what every training run takes."""
    parser.add_argument('--seed', type=int, default=0, help='of weights and draws (default: 0)')
    parser.add_argument(
        '--minutes',
        type=float,
        help='budget of the optimisation; default: all steps of the config',
    )
    parser.add_argument(
        '--resume', action='store_true', help='continue the run in --out; an empty one is begun'
    )
    parser.add_argument('--cpu', action='store_true', help='use no GPU')


def run_options(args: argparse.Namespace, init: Path | None) -> 'RunOptions':
    """Return what these options tell a run that starts from ``init``."""
    from vag_core.train.run import RunOptions

    return RunOptions(
        out=args.out,
        seed=args.seed,
        minutes=args.minutes,
        resume=args.resume,
        init=init,
        cache=args.cache,
        cpu=args.cpu,
    )


def recipe_file(name: str) -> Path:
    """Return a file by path, or a shipped one."""
    from vag_core import resources

    path = Path(name)
    return path if path.is_file() else resources.find(path)


def carry_out(
    train: Callable[['Interrupt', 'Bars'], Made],
    show: Callable[[Made], None],
    minutes: float | None = None,
) -> int:
    """Train, show what came of it and return the exit status.

    Args:
        train: reads and trains, with what may interrupt it and where to report; its refusals are
            ValueError, ArithmeticError or OSError.
        show: prints, in the main process.
        minutes: budget, to be checked.
    """
    from vag_core.train.interrupt import Interrupt, Interrupted

    # Any other process of the run works and stays silent.
    main = int(os.environ.get('RANK', '0')) == 0
    if minutes is not None and not minutes > 0:
        print(f'--minutes = {minutes}: must be positive', file=sys.stderr)
        return UNUSABLE
    try:
        with Interrupt() as interrupt, Bars(silent=not main) as bars:
            made = train(interrupt, bars)
    except Interrupted as where:
        if main:
            print(f'interrupted: {where}; the same command with --resume continues it')
        return INTERRUPTED
    except (ValueError, ArithmeticError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    if main:
        show(made)
    return 0


class Bars:
    """One progress bar for each activity; lines after every tenth where there is no terminal."""

    def __init__(self, silent: bool = False) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        console = Console()
        self.silent = silent
        self._tasks: dict[str, int] = {}
        self._first: dict[str, tuple[int, float]] = {}
        self._tenths: dict[str, int] = {}
        self._progress = Progress(
            TextColumn('{task.description:>13}'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('{task.fields[text]}'),
            console=console,
            disable=silent or not console.is_terminal,
        )

    def __enter__(self) -> 'Bars':
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, activity: str, done: int, total: int, report=None) -> None:
        """Show that ``done`` of ``total`` are done, with the loss and speed of a step."""
        if self.silent:
            return
        name = LABELS.get(activity, activity)
        text = ''
        if report is not None:
            text = f'loss {report.loss:.4f}, {report.samples_per_second:.3g} samples/s'
        if not self._progress.disable:
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, text='')
            self._progress.update(self._tasks[name], completed=done, total=total, text=text)
            return
        first, since = self._first.setdefault(name, (done, time.monotonic()))
        if 10 * done // total > self._tenths.get(name, 0):
            self._tenths[name] = 10 * done // total
            print(f'{name}: {done} of {total} {text}'.rstrip() + _left(first, since, done, total))


def _left(first: int, since: float, done: int, total: int) -> str:
    """Return the time that remains at the speed since the first step, as text."""
    if done in (first, total):
        return ''
    seconds = (time.monotonic() - since) / (done - first) * (total - done)
    return f', {seconds / 60:.1f} min left'
