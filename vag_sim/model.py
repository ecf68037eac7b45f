"""Build the MuJoCo model of the Cobot Magic: the cell, two Pipers, and a scene's objects.

Joints, actuators, gripper tendons, bodies and sites carry the arm's name as prefix
(``left_joint1`` .. ``right_gripper``, ``left_base``); cameras have the profile's camera keys.
"""

from pathlib import Path

import mujoco
import numpy as np

from vag_core.robot import RobotProfile
from vag_core.workcell import BasePose
from vag_sim.scene import TABLE_HEIGHT, Scene, SceneObject, Shape

ASSETS = Path(__file__).parent / 'assets'
BASE_HEIGHT = 0.77
BASE_SPACING = 0.60
ENDLESS = 5.0
JOINTS = ('joint1', 'joint2', 'joint3', 'joint4', 'joint5', 'joint6', 'gripper')
"""Joints of assets/piper.xml in the order of a profile's driver joints."""

# Contact bits: an arm touches the cell, the objects and the other arm, never itself.
CELL, OBJECT = 1, 2
ARMS = (4, 8)


def build_model(profile: RobotProfile, scene: Scene) -> mujoco.MjModel:
    """Compile the twin of ``profile``'s robot with the objects and the light of ``scene``.

    Raises:
        ValueError: the profile is not one of two seven-joint arms named left and right.
    """
    _check_arms(profile)
    spec = mujoco.MjSpec.from_file(str(ASSETS / 'cell.xml'))
    for geom in spec.geoms:
        if geom.contype:
            geom.contype, geom.conaffinity = CELL, OBJECT | sum(ARMS)
    for index, side in enumerate((1.0, -1.0)):
        base = BasePose(position=(0.0, side * BASE_SPACING / 2, BASE_HEIGHT))
        _attach_arm(spec, profile, index, base)
    spec.camera('head').name = profile.camera.key
    for arm, camera in zip(profile.arms, profile.other_cameras, strict=False):
        spec.camera(f'{arm.name}_wrist').name = camera.key
    for item in scene.objects:
        _add_object(spec, item)
    light = spec.light('key')
    light.dir = np.asarray(scene.light_direction)
    light.diffuse = np.asarray(light.diffuse) * scene.light_intensity
    return spec.compile()


def build_arms(profile: RobotProfile) -> mujoco.MjModel:
    """Compile the arms alone on the bases of ``profile.workcell``, over an endless table.

    Raises:
        ValueError: as :func:`build_model`.
    """
    _check_arms(profile)
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    table = spec.worldbody.add_body(name='table', pos=[0.0, 0.0, profile.workcell.table_height])
    table.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[ENDLESS, ENDLESS, ENDLESS],
        pos=[0.0, 0.0, -ENDLESS],
        contype=CELL,
        conaffinity=sum(ARMS),
    )
    for index, arm in enumerate(profile.arms):
        _attach_arm(spec, profile, index, profile.workcell.bases[arm.name])
    return spec.compile()


def _check_arms(profile: RobotProfile) -> None:
    if [arm.name for arm in profile.arms] != ['left', 'right']:
        raise ValueError(
            f'arms = {[arm.name for arm in profile.arms]}: the twin has left and right'
        )
    if any(len(arm.driver_joints) != len(JOINTS) for arm in profile.arms):
        raise ValueError(f'driver_joints: the twin has {len(JOINTS)} joints per arm, gripper last')


def _attach_arm(spec: mujoco.MjSpec, profile: RobotProfile, index: int, base: BasePose) -> None:
    """Stand one Piper on its base, its ranges taken from the profile's hard limits."""
    arm = mujoco.MjSpec.from_file(str(ASSETS / 'piper.xml'))
    for geom in arm.geoms:
        geom.contype, geom.conaffinity = ARMS[index], CELL | OBJECT | ARMS[1 - index]
    for model_joint, driver_joint in zip(JOINTS, profile.arms[index].driver_joints, strict=True):
        limits = profile.joint_limits[driver_joint]
        bounds = [limits.min_position, limits.max_position]
        arm.actuator(model_joint).ctrlrange = bounds
        if model_joint != 'gripper':
            arm.joint(model_joint).range = bounds
    turn = [np.cos(base.yaw / 2), 0.0, 0.0, np.sin(base.yaw / 2)]
    frame = spec.worldbody.add_frame(pos=base.position, quat=turn)
    frame.attach_body(arm.body('base'), f'{profile.arms[index].name}_', '')


def _add_object(spec: mujoco.MjSpec, item: SceneObject) -> None:
    """Put a free object on the table."""
    contact = {
        'contype': OBJECT,
        'conaffinity': CELL | OBJECT | sum(ARMS),
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
    _add_bowl(body, half, contact)


def _add_bowl(body: mujoco.MjsBody, radius: float, contact: dict) -> None:
    """Give ``body`` a foot and a ring of slanted staves: a bowl of ``radius`` m at its rim."""
    foot, height, thickness, staves = 0.55 * radius, 0.5 * radius, 0.003, 20
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
