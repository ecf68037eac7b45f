"""What a task is: scenes with an instruction, a demonstration and a test of success."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.scene import Scene

if TYPE_CHECKING:
    from vag_sim.twin import Twin

FPS = 10.0
STEPS = 93
"""Length of an episode: 93 actions at 10 Hz, as VAG generates them."""


class Task(Protocol):
    """One task: the same seed is the same scene and the same demonstration."""

    name: str

    def sample(self, seed: int, profile: RobotProfile) -> Scene:
        """Draw the scene of this seed, with its instruction, for this robot."""

    def demonstrate(self, scene: Scene, profile: RobotProfile) -> np.ndarray:
        """Plan (93, D) float32 joint positions at 10 Hz that do what the scene asks for.

        They start at the profile's home or at the scene's start pose.

        Raises:
            UnreachableError: the scene can't be solved.
        """

    def measure(self, twin: 'Twin') -> dict[str, float]:
        """Return what success is judged by, in the twin's present state; m and rad."""

    def succeeded(self, twin: 'Twin') -> bool:
        """Say whether the twin's present state accomplishes what its scene asks for."""
