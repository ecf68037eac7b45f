"""Tasks by name."""

from vag_sim.tasks.pick_lift import PickLift
from vag_sim.tasks.task import FPS, STEPS, Task, UnreachableError

TASKS = {PickLift.name: PickLift}

__all__ = ['FPS', 'STEPS', 'TASKS', 'Task', 'UnreachableError', 'make_task']


def make_task(name: str) -> Task:
    """Return the task of this name.

    Raises:
        ValueError: naming the known tasks.
    """
    if name not in TASKS:
        raise ValueError(f'task = {name!r}: known tasks are {", ".join(TASKS)}')
    return TASKS[name]()
