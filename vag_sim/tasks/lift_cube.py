"""lift_cube: one arm takes the cube of a named colour and lifts it."""

from typing import TYPE_CHECKING

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.grasp import OPENING, grasp_cube
from vag_sim.scene import Scene
from vag_sim.tasks.cubes import CubeTask, joints_of, one_arm, start_pose
from vag_sim.tasks.judge import is_lifted, lifted_cube

if TYPE_CHECKING:
    from vag_sim.twin import Twin

# Seconds from which to which the phases last; then the arm holds.
REACH, DESCEND, CLOSE, LIFT = (0.0, 4.0), (3.8, 5.3), (5.3, 6.2), (6.2, 8.2)


class LiftCube(CubeTask):
    """Lift a cube with the left or the right arm."""

    family = 'lift_cube'
    fills_bowl = False

    def __init__(self, arm: str = '', cube: str = '', **options: object):
        super().__init__(arm, cube, **options)

    def demonstrate(self, scene: Scene, profile: RobotProfile) -> np.ndarray:
        """Reach over the cube, descend, close, lift and hold."""
        arm = scene.goal.arms[0]
        *start, opening = start_pose(scene, profile)[joints_of(profile, arm)]
        grasp = grasp_cube(
            self._arms.of(profile, arm), scene.named(scene.goal.target), np.array(start)
        )
        moves = [
            (*REACH, np.append(grasp.hover, opening)),
            (*DESCEND, np.append(grasp.grasp, opening)),
            (*CLOSE, np.append(grasp.grasp, OPENING)),
            (*LIFT, np.append(grasp.raised, OPENING)),
        ]
        return one_arm(scene, profile, moves)

    def measure(self, twin: 'Twin') -> dict[str, float]:
        """How high the cube is, and how far from the tool."""
        return lifted_cube(twin)

    def succeeded(self, twin: 'Twin') -> bool:
        """Say whether the cube hangs between the fingers, lifted by at least 5 cm."""
        return is_lifted(twin)
