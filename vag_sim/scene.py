"""What may differ from one simulated scene to the next: objects, light and start pose."""

import dataclasses
import enum

import numpy as np

TABLE_HEIGHT = 0.75
"""Height of the table's surface above the floor, m; as in assets/cell.xml."""

LIGHT_DIRECTION = (0.06, 0.16, -1.0)
"""Direction in which the key light shines, unless a scene says otherwise: from above."""

COLOURS = {
    'red': (0.84, 0.10, 0.09),
    'green': (0.12, 0.58, 0.20),
    'blue': (0.10, 0.26, 0.80),
    'yellow': (0.93, 0.74, 0.08),
}
"""RGB in 0..1 of the colours that an instruction can name."""


class Shape(enum.Enum):
    """Kind of a scene object."""

    CUBE = 'cube'
    BOWL = 'bowl'


@dataclasses.dataclass(frozen=True)
class SceneObject:
    """An object standing on the table.

    Attributes:
        name: unique in its scene, e.g. ``red_cube``.
        shape: cube or bowl.
        size: edge length of a cube or outer diameter of a bowl's rim, m.
        position: (x, y) of its centre in the world, m.
        yaw: rotation about the vertical, rad.
        colour: RGB in 0..1.
    """

    name: str
    shape: Shape
    size: float
    position: tuple[float, float]
    yaw: float = 0.0
    colour: tuple[float, float, float] = (0.9, 0.9, 0.93)


@dataclasses.dataclass(frozen=True)
class Scene:
    """One sampled scene.

    Attributes:
        objects: what stands on the table.
        light_direction: (3,) direction in which the key light shines.
        light_intensity: factor on the key light's brightness.
        start_offset: (D,) rad and m, added to the profile's home pose when the arms start.
    """

    objects: tuple[SceneObject, ...]
    light_direction: tuple[float, float, float] = LIGHT_DIRECTION
    light_intensity: float = 1.0
    start_offset: tuple[float, ...] = (0.0,) * 14

    def named(self, name: str) -> SceneObject:
        """Return the object called ``name``."""
        return next(item for item in self.objects if item.name == name)


def clear_of(position: np.ndarray, others: list[np.ndarray], distance: float) -> bool:
    """Say whether ``position`` (2,) is at least ``distance`` m from every one of ``others``."""
    return all(np.linalg.norm(position - other) >= distance for other in others)
