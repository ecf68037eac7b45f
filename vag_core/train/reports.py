"""What a run tells while it works on episode after episode."""

from collections.abc import Callable
from dataclasses import dataclass

from vag_core.train.engine import StepReport
from vag_core.train.interrupt import Interrupt

# Told the activity, how much of it is done, of how much, and the step that it is, if it is one.
OnProgress = Callable[[str, int, int, StepReport | None], None]


@dataclass(frozen=True, eq=False)
class EpisodeReports:
    """Callbacks for work on episodes: each tells of progress and asks for an interruption.

    Attributes:
        progress: told of it.
        interrupt: asked after every episode.
        main: whether this process tells anything.
    """

    progress: OnProgress
    interrupt: Interrupt
    main: bool = True

    def __call__(self, activity: str) -> Callable[[int, int], None]:
        """Return a callback that takes the episodes done and all of them."""

        def on_episode(done: int, total: int) -> None:
            if self.main:
                self.progress(activity, done, total, None)
            self.interrupt.check(activity)

        return on_episode
