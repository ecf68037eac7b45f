"""Clearance: whoever knows the robot's geometry answers how close its bodies come.

A layer that does registers ``profile -> Clearance | None`` in the entry-point group
``vag.clearance``.
"""

import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np

from vag_core.robot import RobotProfile


@dataclass(frozen=True)
class Nearest:
    """For each of N poses the pair of bodies with the least room left.

    Attributes:
        distance: (N,) m; negative when they penetrate.
        bodies: N pairs of body names.
        required: (N,) m that the profile asks for between two such bodies.
    """

    distance: np.ndarray
    bodies: list[tuple[str, str]]
    required: np.ndarray

    @property
    def tightest(self) -> int:
        """Index of the pose with the least room, required distance taken off."""
        return int(np.argmin(self.distance - self.required))


class Clearance(Protocol):
    """Answers for whole trajectories at once."""

    def nearest(self, positions: np.ndarray) -> Nearest:
        """Return the tightest pair for each row of ``positions`` (N, D) in rad and m."""
        ...


def known_clearance(profile: RobotProfile) -> Clearance | None:
    """Return the geometry of the robot; None, with the cause on standard error, if nobody has it.

    None without a cause: all who are installed were asked, and do not know this robot.
    """
    layers = list(entry_points(group='vag.clearance'))
    if not layers:
        print(
            'clearance is not checked: nothing installed offers vag.clearance; "pip install -e ." '
            'in the checkout, or a new build of the package, makes vag_sim known',
            file=sys.stderr,
        )
    for layer in layers:
        try:
            found = layer.load()(profile)
        except (ImportError, AttributeError) as error:
            print(
                f'clearance of {layer.name} is not available: {error}; "pip install -e .[sim]" in '
                'the checkout installs what it needs',
                file=sys.stderr,
            )
            continue
        if found is not None:
            return found
    return None
