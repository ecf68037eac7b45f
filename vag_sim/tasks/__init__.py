"""Tasks by name."""

from vag_sim.grasp import UnreachableError
from vag_sim.tasks.cube_in_bowl import CubeInBowl
from vag_sim.tasks.lift_cube import LiftCube
from vag_sim.tasks.lift_tray import LiftTray
from vag_sim.tasks.pick_lift import PickLift
from vag_sim.tasks.task import FPS, STEPS, Task

TASKS = {
    'pick_lift': PickLift,
    'lift_cube': LiftCube,
    'cube_in_bowl': CubeInBowl,
    'lift_tray': LiftTray,
}

__all__ = ['FPS', 'STEPS', 'TASKS', 'Task', 'UnreachableError', 'make_task']


def make_task(name: str) -> Task:
    """Return the task of this name.

    What the seed would draw can be fixed behind colons: ``lift_cube:left``,
    ``lift_cube:left:red``, ``cube_in_bowl:right:green:white``.

    Raises:
        ValueError: naming the known tasks, arms or colours.
    """
    family, *fixed = name.split(':')
    if family not in TASKS:
        raise ValueError(f'task = {name!r}: known tasks are {", ".join(TASKS)}')
    most = {'lift_cube': 2, 'cube_in_bowl': 3}.get(family, 0)
    if len(fixed) > most:
        raise ValueError(f'task = {name!r}: {family} takes {most} words behind colons at most')
    return TASKS[family](*fixed)
