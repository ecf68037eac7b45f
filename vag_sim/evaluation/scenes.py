"""Which scenes an evaluation is run on, and the groups that its figures are given for."""

from collections.abc import Sequence
from dataclasses import dataclass

from vag_sim.demos import episode_name, seeds_to_record
from vag_sim.splits import SINGLE_SENTENCE_TASK, Split
from vag_sim.tasks import make_task

TASKS = ('lift_cube', 'cube_in_bowl', 'lift_tray')
FILLING_TASK = 'cube_in_bowl'


@dataclass(frozen=True, order=True)
class EvaluationScene:
    """One scene: a task's seed, of a split."""

    split: str
    task: str
    seed: int

    @property
    def name(self) -> str:
        """Name for files."""
        return episode_name(self.task, self.seed)


def choose_scenes(
    tasks: Sequence[str], split: Split, count: int, start: int = 0
) -> list[EvaluationScene]:
    """Return ``count`` scenes of a split, its tasks in turn, from number ``start`` of each on.

    Raises:
        ValueError: a task is unknown, or has no scenes in this split, or not as many.
    """
    for task in tasks:
        make_task(task)
        if task == SINGLE_SENTENCE_TASK and split is not Split.SCENES:
            raise ValueError(f'task = {task!r}: has no split {split.value}, only scenes')
    per_task = -(-count // len(tasks))
    seeds = {task: seeds_to_record(task, split, start, per_task) for task in tasks}
    return [
        EvaluationScene(split.value, tasks[i % len(tasks)], seeds[tasks[i % len(tasks)]][number])
        for i in range(count)
        for number in [i // len(tasks)]
    ]


def tasks_of(split: Split) -> tuple[str, ...]:
    """Return the tasks that a split is evaluated on unless some are named."""
    return (FILLING_TASK,) if split is Split.COMPOSITIONS else TASKS


def groups_of(task: str, arms: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that a scene counts in: all, its arms, its task.

    Arms are ``left``, ``right`` or ``both``; a task is named without what is fixed in it.
    """
    return 'all', 'both' if len(arms) > 1 else arms[0], task.split(':', maxsplit=1)[0]
