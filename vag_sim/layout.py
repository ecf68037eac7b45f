"""Draw the table of a scene: where cubes, bowls and a tray stand, and how all of it looks."""

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.scene import (
    BOWL_COLOURS,
    CUBE_COLOURS,
    LIGHT_DIRECTION,
    TRAY_COLOURS,
    HeadView,
    SceneObject,
    Shape,
)
from vag_sim.variation import Colour, Range, Variation

PICTURE = (256, 192)
"""(width, height) of the pictures: twice the small model's, whose average smooths the edges."""
CUBE_SIZE, BOWL_SIZE, TRAY_SIZE = 0.045, 0.14, 0.30
ATTEMPTS = 200


class Table:
    """Places things on the table, one after another, apart from each other."""

    def __init__(self, rng: np.random.Generator, ranges: Variation):
        self._rng = rng
        self._ranges = ranges
        self.objects: list[SceneObject] = []

    def cube(self, colour: str, x: Range, y: Range) -> bool:
        """Add a cube somewhere in the rectangle; False when no free place was found."""
        yaw = self._rng.uniform(-self._ranges.cube_yaw, self._ranges.cube_yaw)
        item = (f'{colour}_cube', Shape.CUBE, CUBE_SIZE)
        return self._add(item, x, y, yaw, CUBE_COLOURS[colour])

    def bowl(self, colour: str, x: Range, y: Range) -> bool:
        """Add a bowl somewhere in the rectangle; False when no free place was found."""
        item = (f'{colour}_bowl', Shape.BOWL, BOWL_SIZE)
        return self._add(item, x, y, 0.0, BOWL_COLOURS[colour])

    def tray(self) -> bool:
        """Add a tray within reach of both arms."""
        yaw = self._rng.uniform(-self._ranges.tray_yaw, self._ranges.tray_yaw)
        colour = TRAY_COLOURS[self._rng.integers(len(TRAY_COLOURS))]
        item = ('tray', Shape.TRAY, TRAY_SIZE)
        return self._add(item, self._ranges.tray_x, self._ranges.tray_y, yaw, colour)

    def _add(
        self, item: tuple[str, Shape, float], x: Range, y: Range, yaw: float, colour: Colour
    ) -> bool:
        name, shape, size = item
        for _ in range(ATTEMPTS):
            place = self._rng.uniform(*zip(x, sorted(y), strict=True))
            if all(self._apart(shape, place, other) for other in self.objects):
                position = (float(place[0]), float(place[1]))
                shown = jittered(self._rng, colour, self._ranges.colour_jitter)
                self.objects.append(SceneObject(name, shape, size, position, float(yaw), shown))
                return True
        return False

    def _apart(self, shape: Shape, place: np.ndarray, other: SceneObject) -> bool:
        """Say whether an object at ``place`` (2,) leaves room for the gripper at ``other``."""
        offset = place - np.array(other.position)
        if other.shape is Shape.TRAY:
            along = np.array([-np.sin(other.yaw), np.cos(other.yaw)])
            offset = offset - np.clip(offset @ along, -other.size / 2, other.size / 2) * along
            return bool(np.linalg.norm(offset) >= self._ranges.tray_apart)
        bowls = [shape, other.shape].count(Shape.BOWL)
        ranges = self._ranges
        least = (ranges.cube_apart, ranges.bowl_apart, ranges.bowls_apart)[bowls]
        return bool(np.linalg.norm(offset) >= least)


def jittered(rng: np.random.Generator, colour: Colour, jitter: float) -> Colour:
    """Return ``colour`` with every channel moved a little, inside 0..1."""
    moved = np.clip(np.add(colour, rng.uniform(-jitter, jitter, size=3)), 0.0, 1.0)
    return tuple(map(float, moved))


def looks(rng: np.random.Generator, ranges: Variation, profile: RobotProfile) -> dict:
    """Draw what a Scene has besides its objects and goal: light, table, camera, start pose."""
    tilt = rng.uniform(-ranges.light_tilt, ranges.light_tilt, size=2)
    noise = rng.normal(0.0, ranges.start_noise, size=len(profile.joint_names))
    noise = np.clip(noise, -ranges.start_noise_max, ranges.start_noise_max)
    noise[profile.is_gripper] = 0.0
    table = ranges.tables[rng.integers(len(ranges.tables))]
    shift = rng.uniform(-ranges.camera_shift, ranges.camera_shift, size=3)
    turn = rng.uniform(-ranges.camera_turn, ranges.camera_turn, size=3)
    turn[1] += ranges.camera_pitch
    return {
        'light_direction': tuple(map(float, np.add(LIGHT_DIRECTION, [*tilt, 0.0]))),
        'light_intensity': float(rng.uniform(*ranges.light_intensity)),
        'start_offset': tuple(map(float, noise)),
        'table_colour': jittered(rng, table, ranges.colour_jitter),
        'head_view': HeadView(
            float(rng.uniform(*ranges.field_of_view)),
            tuple(map(float, shift)),
            tuple(map(float, turn)),
        ),
        'picture': PICTURE,
    }
