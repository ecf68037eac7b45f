"""cube_in_bowl: one arm puts the cube of a named colour into the bowl of a named colour."""

from typing import TYPE_CHECKING

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.grasp import (
    OPENING,
    UP,
    Grasp,
    grasp_cube,
    heading_of,
    least_lean,
    unreachable,
)
from vag_sim.kinematics import ArmKinematics
from vag_sim.scene import TABLE_HEIGHT, Scene, SceneObject
from vag_sim.tasks.cubes import CubeTask, joints_of, one_arm, start_pose
from vag_sim.tasks.judge import cube_in_bowl, is_in_bowl

if TYPE_CHECKING:
    from vag_sim.twin import Twin

# Seconds from which to which the phases last; heights and times are as short as the robot's
# acceleration limits let them be.
REACH, DESCEND, CLOSE, LIFT = (0.0, 3.7), (3.4, 4.4), (4.4, 5.05), (5.05, 6.0)

CARRY, LOWER, OPEN, RISE = (6.0, 7.45), (7.45, 8.15), (8.1, 8.65), (8.55, 9.2)
HOVER_HEIGHT, LIFT_HEIGHT, OVER_RELEASE = 0.05, 0.07, 0.03
RELEASE_HEIGHT = 0.058
"""Tool over the table when the cube is let go: the fingertips stay above the bowl's rim, m."""
RELEASE_OPENING = 0.05


class CubeInBowl(CubeTask):
    """Put a cube into a bowl with the left or the right arm."""

    family = 'cube_in_bowl'
    fills_bowl = True

    def demonstrate(self, scene: Scene, profile: RobotProfile) -> np.ndarray:
        """Reach over the cube, descend, close, lift, carry over the bowl, lower, open, rise."""
        name = scene.goal.arms[0]
        arm = self._arms.of(profile, name)
        *start, opening = start_pose(scene, profile)[joints_of(profile, name)]
        cube, bowl = scene.named(scene.goal.target), scene.named(scene.goal.container)
        grasp = grasp_cube(arm, cube, np.array(start), HOVER_HEIGHT, LIFT_HEIGHT)
        over, release = _above(arm, bowl, cube, grasp)
        moves = [
            (*REACH, np.append(grasp.hover, opening)),
            (*DESCEND, np.append(grasp.grasp, opening)),
            (*CLOSE, np.append(grasp.grasp, OPENING)),
            (*LIFT, np.append(grasp.raised, OPENING)),
            (*CARRY, np.append(over, OPENING)),
            (*LOWER, np.append(release, OPENING)),
            (*OPEN, np.append(release, RELEASE_OPENING)),
            (*RISE, np.append(over, RELEASE_OPENING)),
        ]
        return one_arm(scene, profile, moves)

    def measure(self, twin: 'Twin') -> dict[str, float]:
        """Where the cube is in the bowl's frame, and how far from the tool."""
        return cube_in_bowl(twin)

    def succeeded(self, twin: 'Twin') -> bool:
        """Say whether the cube lies in the bowl and the arm has let go of it."""
        return is_in_bowl(twin)


def _above(
    arm: ArmKinematics, bowl: SceneObject, cube: SceneObject, grasp: Grasp
) -> tuple[np.ndarray, np.ndarray]:
    """Joints (6,) over the bowl and where the cube is let go; the wrist turns as little as can be.

    Raises:
        UnreachableError: naming the bowl's position.
    """
    low = np.array([*bowl.position, TABLE_HEIGHT + RELEASE_HEIGHT])
    heading = heading_of(arm, low)
    yaw = grasp.yaw + heading - heading_of(arm, np.array([*cube.position, 0.0]))
    over = least_lean(arm, low + OVER_RELEASE * UP, yaw, heading, grasp.raised)
    release = None if over is None else least_lean(arm, low, yaw, heading, over)
    if over is None or release is None:
        raise unreachable(bowl.name, bowl.position)
    return over, release
