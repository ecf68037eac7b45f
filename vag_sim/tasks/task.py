"""What a task is: an instruction, scenes, a demonstration and a test of success."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.scene import Scene

if TYPE_CHECKING:
    from vag_sim.twin import Twin

FPS = 10.0
STEPS = 93
"""Length of an episode: 93 actions at 10 Hz, as VAG generates them."""


class UnreachableError(ValueError):
    """No joint configuration reaches a pose that the demonstration needs."""


class Task(Protocol):
    """One task; stateless, so the same seed is the same scene and the same demonstration."""

    name: str
    instruction: str

    def sample(self, seed: int) -> Scene:
        """Draw the scene of this seed."""

    def demonstrate(self, scene: Scene, profile: RobotProfile) -> np.ndarray:
        """Plan (93, 14) float32 joint positions at 10 Hz that start at home and do the task.

        Raises:
            UnreachableError: the scene can't be solved.
        """

    def succeeded(self, twin: 'Twin') -> bool:
        """Say whether the twin's present state accomplishes the task."""
