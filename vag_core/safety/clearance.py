"""Clearance: whoever knows the robot's geometry answers how close its bodies come."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Nearest:
    """For each of N poses the nearest pair of bodies that may not touch.

    Attributes:
        distance: (N,) m; negative when they penetrate.
        bodies: N pairs of body names.
    """

    distance: np.ndarray
    bodies: list[tuple[str, str]]


class Clearance(Protocol):
    """Answers for whole trajectories at once."""

    def nearest(self, positions: np.ndarray) -> Nearest:
        """Return the nearest pair for each row of ``positions`` (N, D) in rad and m."""
        ...
