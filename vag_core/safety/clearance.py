"""Clearance: whoever knows the robot's geometry answers how close its bodies come."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


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
