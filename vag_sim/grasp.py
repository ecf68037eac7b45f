"""Where the arm's joints must be to take, lift and set down an object from above."""

import dataclasses

import numpy as np

from vag_sim.kinematics import ArmKinematics, downward
from vag_sim.scene import TABLE_HEIGHT, SceneObject

ABOVE_MIDDLE = 0.012
"""A cube is taken by its upper half: at its middle the fingertips would be 10 mm above the table.
"""
HOVER, RAISE = 0.07, 0.12
"""Height over the grasp from which the tool descends, and to which it lifts, m."""
OPENING = 0.02
"""Commanded opening while something is held, m: narrower than it, so that the fingers press."""
UP = np.array([0.0, 0.0, 1.0])
LEANS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Angles from straight down that are tried, in this order, rad."""


class UnreachableError(ValueError):
    """No joint configuration reaches a pose that the demonstration needs."""


@dataclasses.dataclass(frozen=True)
class Grasp:
    """Joints (6,) above, at and lifted from an object, and the yaw of the fingers' line, rad."""

    hover: np.ndarray
    grasp: np.ndarray
    raised: np.ndarray
    yaw: float


def grasp_cube(
    arm: ArmKinematics,
    cube: SceneObject,
    start: np.ndarray,
    hover_height: float = HOVER,
    rise: float = RAISE,
) -> Grasp:
    """Take a cube by the pair of faces that moves the arm least from ``start`` (6,).

    Raises:
        UnreachableError: naming the cube's position.
    """
    point = np.array([*cube.position, TABLE_HEIGHT + cube.size / 2 + ABOVE_MIDDLE])
    heading = heading_of(arm, point)
    ready = ready_pose(heading)
    found = []
    for quarter in range(4):
        yaw = cube.yaw + quarter * np.pi / 2
        grasp = least_lean(arm, point, yaw, heading, ready)
        if grasp is None:
            continue
        hover = least_lean(arm, point + hover_height * UP, yaw, heading, grasp)
        raised = least_lean(arm, point + rise * UP, yaw, heading, grasp)
        if hover is not None and raised is not None:
            found.append(Grasp(hover, grasp, raised, yaw))
    if not found:
        raise unreachable(cube.name, cube.position)
    return min(found, key=lambda grasp: float(np.abs(grasp.hover - start).max()))


def heading_of(arm: ArmKinematics, point: np.ndarray) -> float:
    """Direction in the plane from the arm's base to ``point`` (3,), rad."""
    return float(np.arctan2(*(point - arm.base)[1::-1]))


def ready_pose(heading: float) -> np.ndarray:
    """Joints (6,) with the tool over the table in that direction: a seed for the solver."""
    return np.array([heading, 1.8, -1.1, 0.0, 0.8, 0.0])


def least_lean(
    arm: ArmKinematics, point: np.ndarray, yaw: float, heading: float, seed: np.ndarray
) -> np.ndarray | None:
    """Joints (6,) with the tool at ``point`` (3,), as upright as joint 5 allows, or None."""
    for lean in LEANS:
        joints = arm.solve(point, downward(yaw, heading, lean), seed)
        if joints is not None:
            return joints
    return None


def unreachable(name: str, position: tuple[float, float]) -> UnreachableError:
    """Return the error for an object that can't be taken from above."""
    x, y = position
    return UnreachableError(f'{name} at ({x:.3f}, {y:.3f}) m: no grasp from above')
