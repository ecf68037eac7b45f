"""Objects of a scene as bodies of the model: cubes, bowls and a tray, free to move."""

import mujoco
import numpy as np

from vag_sim.scene import TABLE_HEIGHT, SceneObject, Shape

FOOT = 0.55
"""Diameter of a bowl's foot as a share of its rim's."""
BOWL_HEIGHT = 0.25
"""Height of a bowl as a share of its rim's diameter."""
GRIP_HEIGHT, GRIP_THICKNESS, GRIP_WIDTH = 0.06, 0.012, 0.09
"""A tray's grips: upright plates at its two ends, m."""
TRAY_WIDTH = 0.17


def add_object(spec: mujoco.MjSpec, item: SceneObject, kind: int, touches: int) -> None:
    """Put a free object on the table; ``kind`` and ``touches`` are its contact bits."""
    contact = {
        'contype': kind,
        'conaffinity': touches,
        'condim': 4,
        'friction': [1.0, 0.02, 0.0005],
        'rgba': [*item.colour, 1.0],
    }
    half = item.size / 2
    height = TABLE_HEIGHT + (half if item.shape is Shape.CUBE else 0.0)
    body = spec.worldbody.add_body(
        name=item.name,
        pos=[*item.position, height],
        quat=[np.cos(item.yaw / 2), 0.0, 0.0, np.sin(item.yaw / 2)],
    )
    body.add_freejoint(name=item.name)
    if item.shape is Shape.CUBE:
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[half] * 3, mass=0.06, material='cube', **contact
        )
        return
    if item.shape is Shape.BOWL:
        _add_bowl(body, half, contact)
    else:
        _add_tray(body, half, contact)


def _add_bowl(body: mujoco.MjsBody, radius: float, contact: dict) -> None:
    """Give ``body`` a foot and a ring of slanted staves: a bowl of ``radius`` m at its rim."""
    foot, height, thickness, staves = FOOT * radius, 2 * BOWL_HEIGHT * radius, 0.003, 20
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[foot, thickness, 0.0],
        pos=[0.0, 0.0, thickness],
        mass=0.12,
        material='ceramic',
        **contact,
    )
    slant = np.arctan2(radius - foot, height)
    length = np.hypot(radius - foot, height) / 2
    middle = (radius + foot) / 2
    for angle in np.arange(staves) * 2 * np.pi / staves:
        quat = np.zeros(4)
        mujoco.mju_mulQuat(
            quat,
            np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)]),
            np.array([np.cos(slant / 2), 0, np.sin(slant / 2), 0]),
        )
        width = radius * np.tan(np.pi / staves)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[thickness, width, length],
            pos=[middle * np.cos(angle), middle * np.sin(angle), height / 2 + thickness],
            quat=quat,
            mass=0.008,
            material='ceramic',
            **contact,
        )


def _add_tray(body: mujoco.MjsBody, reach: float, contact: dict) -> None:
    """Give ``body`` a plate with low rims and a grip ``reach`` m to each side of its middle."""
    bottom, rim, half_width = 0.004, 0.011, TRAY_WIDTH / 2
    length = reach + GRIP_THICKNESS / 2

    def box(size: tuple[float, ...], position: tuple[float, ...], mass: float) -> None:
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=size,
            pos=position,
            mass=mass,
            material='cube',
            **contact,
        )

    box((half_width, length, bottom), (0.0, 0.0, bottom), 0.14)
    for side in (-1.0, 1.0):
        box((0.004, length, rim), (side * half_width, 0.0, rim), 0.02)
        box(
            (GRIP_WIDTH / 2, GRIP_THICKNESS / 2, GRIP_HEIGHT / 2),
            (0.0, side * reach, GRIP_HEIGHT / 2),
            0.03,
        )
