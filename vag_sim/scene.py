"""What may differ from one simulated scene to the next: objects, looks, goal and start pose."""

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
"""RGB in 0..1 of the cubes of pick_lift."""

CUBE_COLOURS = {**COLOURS, 'purple': (0.50, 0.12, 0.66)}
BOWL_COLOURS = {
    'white': (0.94, 0.94, 0.96),
    'black': (0.07, 0.07, 0.08),
    'pink': (0.95, 0.50, 0.66),
}
"""RGB in 0..1 of the cubes and bowls that an instruction can name."""

TRAY_COLOURS = ((0.30, 0.33, 0.38), (0.12, 0.34, 0.38), (0.36, 0.20, 0.11))


class Shape(enum.Enum):
    """Kind of a scene object."""

    CUBE = 'cube'
    BOWL = 'bowl'
    TRAY = 'tray'


@dataclasses.dataclass(frozen=True)
class SceneObject:
    """An object standing on the table.

    Attributes:
        name: unique in its scene, e.g. ``red_cube``.
        shape: cube, bowl or tray.
        size: edge length of a cube, outer diameter of a bowl's rim or distance between the grips
            of a tray, m.
        position: (x, y) of its centre in the world, m.
        yaw: rotation about the vertical, rad; a tray of yaw 0 has its grips along y.
        colour: RGB in 0..1.
    """

    name: str
    shape: Shape
    size: float
    position: tuple[float, float]
    yaw: float = 0.0
    colour: tuple[float, float, float] = (0.9, 0.9, 0.93)


@dataclasses.dataclass(frozen=True)
class Goal:
    """What is to be done with what.

    Attributes:
        arms: names of the arms that do it.
        target: name of the object that they take.
        container: name of the bowl that the target ends up in, or empty.
    """

    arms: tuple[str, ...]
    target: str
    container: str = ''


@dataclasses.dataclass(frozen=True)
class HeadView:
    """How the head camera of a scene differs from the one in assets/cell.xml.

    Attributes:
        field_of_view: vertical, rad.
        shift: (3,) m in the world.
        turn: (3,) rotation vector in the world, rad.
    """

    field_of_view: float
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Scene:
    """One sampled scene.

    Attributes:
        objects: what stands on the table.
        instruction: what the robot is asked to do here.
        goal: the same for the demonstrator and the judge; None where nothing is asked.
        light_direction: (3,) direction in which the key light shines.
        light_intensity: factor on the key light's brightness.
        start_offset: (D,) rad and m, added to the profile's home pose when the arms start; empty
            for none.
        table_colour: RGB in 0..1, None for the one in assets/cell.xml.
        head_view: None for the camera in assets/cell.xml.
        picture: (width, height) of the cameras' pictures in pixels.
    """

    objects: tuple[SceneObject, ...]
    instruction: str = ''
    goal: Goal | None = None
    light_direction: tuple[float, float, float] = LIGHT_DIRECTION
    light_intensity: float = 1.0
    start_offset: tuple[float, ...] = ()
    table_colour: tuple[float, float, float] | None = None
    head_view: HeadView | None = None
    picture: tuple[int, int] = (320, 240)

    def named(self, name: str) -> SceneObject:
        """Return the object called ``name``."""
        return next(item for item in self.objects if item.name == name)

    def start_pose(self, home: np.ndarray) -> np.ndarray:
        """(D,) where the arms start, given the profile's home pose (D,)."""
        return home + np.asarray(self.start_offset) if self.start_offset else home.copy()


def clear_of(position: np.ndarray, others: list[np.ndarray], distance: float) -> bool:
    """Say whether ``position`` (2,) is at least ``distance`` m from every one of ``others``."""
    return all(np.linalg.norm(position - other) >= distance for other in others)
