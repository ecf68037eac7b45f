"""pick_lift: take the cube of a named colour with the left arm and lift it; one more stands by."""

from typing import TYPE_CHECKING

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.kinematics import ArmKinematics, downward
from vag_sim.motion import minimum_jerk
from vag_sim.scene import (
    COLOURS,
    LIGHT_DIRECTION,
    TABLE_HEIGHT,
    Scene,
    SceneObject,
    Shape,
    clear_of,
)
from vag_sim.tasks.task import FPS, STEPS, UnreachableError

if TYPE_CHECKING:
    from vag_sim.twin import Twin

CUBE_SIZE = 0.045
LIFTED = 0.05
BOWL = SceneObject('bowl', Shape.BOWL, 0.15, (0.42, -0.24))

# Where the left arm can take a cube from straight above: within 0.45 m of its base the forearm
# stands steep enough for joint 5 (+-1.22 rad) to point the gripper down. Places and yaws are kept
# close together because the shipped checkpoint has seen twenty scenes only.
TARGET_X, TARGET_Y = (0.27, 0.35), (0.08, 0.20)
YAW = 0.25
OTHER_X, OTHER_Y = (0.24, 0.40), (-0.14, 0.24)
SEPARATION = 0.13

# Seconds at which the phases end: wait, reach over the cube, descend, close, lift; then hold.
WAIT, REACH, DESCEND, CLOSE, LIFT = 0.1, 4.3, 5.6, 6.5, 8.4
HOVER, RAISE = 0.07, 0.12
# The cube is taken by its upper half: at its middle the fingertips would be 10 mm above the table.
ABOVE_MIDDLE = 0.012
UP = np.array([0.0, 0.0, 1.0])
LEANS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
GRASP_OPENING = 0.02


class PickLift:
    """Pick up the ``colour`` cube with the left arm and lift it."""

    name = 'pick_lift'

    def __init__(self, colour: str = 'red'):
        if colour not in COLOURS:
            raise ValueError(f'colour = {colour!r}: known are {", ".join(COLOURS)}')
        self.colour = colour
        self.target = f'{colour}_cube'
        self.instruction = f'pick up the {colour} cube with the left arm'

    def sample(self, seed: int) -> Scene:
        """Draw the poses of two cubes, the second one's colour, the light and the start offset."""
        rng = np.random.default_rng(seed)
        target = rng.uniform(*zip(TARGET_X, TARGET_Y, strict=True))
        other = rng.uniform(*zip(OTHER_X, OTHER_Y, strict=True))
        while not clear_of(other, [target, np.array(BOWL.position)], SEPARATION):
            other = rng.uniform(*zip(OTHER_X, OTHER_Y, strict=True))
        other_colour = rng.choice([name for name in COLOURS if name != self.colour])
        yaws = rng.uniform(-YAW, YAW, size=2)
        cubes = [
            SceneObject(
                f'{colour}_cube',
                Shape.CUBE,
                CUBE_SIZE,
                (float(xy[0]), float(xy[1])),
                float(yaw),
                COLOURS[colour],
            )
            for colour, xy, yaw in zip(
                (self.colour, str(other_colour)), (target, other), yaws, strict=True
            )
        ]
        light = np.add(LIGHT_DIRECTION, [*rng.uniform(-0.1, 0.1, size=2), 0.0])
        intensity = rng.uniform(0.85, 1.15)
        offset = np.clip(rng.normal(0.0, 0.004, size=14), -0.008, 0.008)
        offset[[6, 13]] = 0.0
        return Scene(
            objects=(*cubes, BOWL),
            light_direction=tuple(map(float, light)),
            light_intensity=float(intensity),
            start_offset=tuple(map(float, offset)),
        )

    def demonstrate(self, scene: Scene, profile: RobotProfile) -> np.ndarray:
        """Reach over the cube, descend, close, lift and hold: minimum jerk between IK waypoints.

        Raises:
            UnreachableError: naming the cube's position.
        """
        cube = scene.named(self.target)
        arm = ArmKinematics(profile, 'left')
        home = profile.home_position
        hover, grasp, raised = self._waypoints(arm, cube, home[:6])
        knots = [
            (WAIT, home[:7]),
            (REACH, np.append(hover, home[6])),
            (DESCEND, np.append(grasp, home[6])),
            (CLOSE, np.append(grasp, GRASP_OPENING)),
            (LIFT, np.append(raised, GRASP_OPENING)),
        ]
        actions = np.tile(home, (STEPS, 1))
        actions[:, :7] = minimum_jerk(knots, np.arange(STEPS) / FPS)
        return actions.astype(np.float32)

    @staticmethod
    def _waypoints(arm: ArmKinematics, cube: SceneObject, home: np.ndarray) -> list[np.ndarray]:
        """Joints (6,) above, at and lifted from the cube: the grasp that moves the arm least."""
        point = np.array([*cube.position, TABLE_HEIGHT + cube.size / 2 + ABOVE_MIDDLE])
        heading = float(np.arctan2(*(point - arm.base)[1::-1]))
        ready = np.array([heading, 1.8, -1.1, 0.0, 0.8, 0.0])
        solutions = []
        for quarter in range(4):
            yaw = cube.yaw + quarter * np.pi / 2
            grasp = _least_lean(arm, point, yaw, heading, ready)
            if grasp is None:
                continue
            hover = _least_lean(arm, point + HOVER * UP, yaw, heading, grasp)
            raised = _least_lean(arm, point + RAISE * UP, yaw, heading, grasp)
            if hover is not None and raised is not None:
                solutions.append([hover, grasp, raised])
        if not solutions:
            x, y = cube.position
            raise UnreachableError(f'{cube.name} at ({x:.3f}, {y:.3f}) m: no grasp from above')
        return min(solutions, key=lambda joints: float(np.abs(joints[0] - home).max()))

    def succeeded(self, twin: 'Twin') -> bool:
        """Say whether the cube hangs between the left fingers, lifted by at least 5 cm."""
        cube = twin.object_position(self.target)
        lifted = cube[2] - TABLE_HEIGHT - CUBE_SIZE / 2
        held = np.linalg.norm(cube - twin.tool_position('left')) < CUBE_SIZE
        return bool(lifted >= LIFTED and held)


def _least_lean(
    arm: ArmKinematics, point: np.ndarray, yaw: float, heading: float, seed: np.ndarray
) -> np.ndarray | None:
    """Joints (6,) with the tool at ``point`` (3,), as upright as joint 5 allows, or None."""
    for lean in LEANS:
        joints = arm.solve(point, downward(yaw, heading, lean), seed)
        if joints is not None:
            return joints
    return None
