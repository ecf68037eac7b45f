"""The progress of ``vag generate``: a bar with the time left, or lines where there is no terminal.

The unit is one denoising step of one episode.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from vag_core import generate


class GenerateProgress:
    """Shows how far a number of episodes is; a context manager."""

    def __init__(self, episodes: int, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._episodes, self._done = episodes, 0
        self._bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            TextColumn('{task.percentage:>3.0f} %'),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task('encoding', total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def of_batch(self, size: int) -> 'generate.OnProgress':
        """Return the callback for the next batch of ``size`` episodes."""

        def on_progress(progress: 'generate.Progress') -> None:
            stage, step, total = progress.stage.value, progress.step, progress.total
            after = 'writing' if stage == 'decoding' else f'{stage} {step}/{total}'
            self._bar.update(self._task, description=after)
            if stage == 'denoising':
                finished = self._done + size * step / total
                self._bar.update(self._task, completed=finished, total=self._episodes)
                if self._bar.disable and 10 * step // total > 10 * (step - 1) // total:
                    self.say(f'{stage} {step}/{total}')

        return on_progress

    def finished(self, folder: Path) -> None:
        """Count one episode that is whole."""
        self._done += 1
        self._bar.update(self._task, completed=self._done, total=self._episodes)
        self.say(f'{self._done}/{self._episodes}  {folder}')

    def say(self, text: str) -> None:
        """Print a line beside the bar."""
        self._bar.console.print(text)
