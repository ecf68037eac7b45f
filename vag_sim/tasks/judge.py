"""Success of a task, judged by where things are, never by what was commanded."""

from typing import TYPE_CHECKING

import numpy as np

from vag_sim.objects import BOWL_HEIGHT, FOOT, GRIP_HEIGHT
from vag_sim.scene import TABLE_HEIGHT

if TYPE_CHECKING:
    from vag_sim.twin import Twin

LIFTED = 0.05
"""An object counts as lifted when it is this much higher than on the table, m."""
RELEASED = 0.04
"""A cube this far from the tool is not held any more, m."""
TILT = 0.26
"""Largest tilt of a tray that is carried, rad: 15 degrees."""
AT_GRIP = 0.045
"""Largest distance of a tool from the middle of the grip that it holds, m."""


def lifted_cube(twin: 'Twin') -> dict[str, float]:
    """Height of the target above its place on the table, and its distance from the tool, m."""
    goal = twin.scene.goal
    cube = twin.object_position(goal.target)
    resting = TABLE_HEIGHT + twin.scene.named(goal.target).size / 2
    return {
        'height_m': float(cube[2] - resting),
        'tool_distance_m': float(np.linalg.norm(cube - twin.tool_position(goal.arms[0]))),
    }


def is_lifted(twin: 'Twin') -> bool:
    """Say whether the target hangs between the fingers of the goal's arm, lifted enough."""
    found, size = lifted_cube(twin), twin.scene.named(twin.scene.goal.target).size
    return found['height_m'] >= LIFTED and found['tool_distance_m'] < size


def cube_in_bowl(twin: 'Twin') -> dict[str, float]:
    """Place of the target in the frame of the bowl's foot, its distance from the tool, in m."""
    goal = twin.scene.goal
    cube, bowl = twin.object_position(goal.target), twin.object_position(goal.container)
    local = twin.object_rotation(goal.container).T @ (cube - bowl)
    return {
        'bowl_distance_m': float(np.linalg.norm(local[:2])),
        'bowl_height_m': float(local[2]),
        'bowl_tilt_rad': _tilt(twin, goal.container),
        'tool_distance_m': float(np.linalg.norm(cube - twin.tool_position(goal.arms[0]))),
    }


def is_in_bowl(twin: 'Twin') -> bool:
    """Say whether the target lies in the upright bowl and the arm has let go of it."""
    found, goal = cube_in_bowl(twin), twin.scene.goal
    bowl, cube = twin.scene.named(goal.container), twin.scene.named(goal.target)
    return (
        found['bowl_distance_m'] <= FOOT * bowl.size / 2
        and found['bowl_height_m'] <= BOWL_HEIGHT * bowl.size + cube.size / 2
        and found['bowl_tilt_rad'] <= TILT
        and found['tool_distance_m'] >= RELEASED
    )


def lifted_tray(twin: 'Twin') -> dict[str, float]:
    """Height and tilt of the tray, and the larger distance of a tool from its grip, m and rad."""
    goal = twin.scene.goal
    tray = twin.object_position(goal.target)
    rotation, reach = twin.object_rotation(goal.target), twin.scene.named(goal.target).size / 2
    sides = zip(goal.arms, (1.0, -1.0), strict=True)
    grips = {arm: tray + rotation @ [0.0, side * reach, GRIP_HEIGHT / 2] for arm, side in sides}
    return {
        'height_m': float(tray[2] - TABLE_HEIGHT),
        'tilt_rad': _tilt(twin, goal.target),
        'tool_distance_m': max(
            float(np.linalg.norm(twin.tool_position(arm) - grip)) for arm, grip in grips.items()
        ),
    }


def is_carried(twin: 'Twin') -> bool:
    """Say whether the tray hangs level between both arms, lifted enough."""
    found = lifted_tray(twin)
    return (
        found['height_m'] >= LIFTED
        and found['tilt_rad'] <= TILT
        and found['tool_distance_m'] <= AT_GRIP
    )


def _tilt(twin: 'Twin', name: str) -> float:
    """Angle between the object's own vertical and the world's, rad."""
    return float(np.arccos(np.clip(twin.object_rotation(name)[2, 2], -1.0, 1.0)))
