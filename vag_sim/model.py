"""Build the MuJoCo model of the Cobot Magic: the cell, two Pipers, and a scene's objects.

Joints, actuators, gripper tendons, bodies and sites carry the arm's name as prefix
(``left_joint1`` .. ``right_gripper``, ``left_base``); cameras have the profile's camera keys.
"""

from pathlib import Path

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from vag_core.robot import RobotProfile
from vag_core.workcell import BasePose
from vag_sim.objects import add_object
from vag_sim.scene import HeadView, Scene

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
        add_object(spec, item, OBJECT, CELL | OBJECT | sum(ARMS))
    light = spec.light('key')
    light.dir = np.asarray(scene.light_direction)
    light.diffuse = np.asarray(light.diffuse) * scene.light_intensity
    if scene.table_colour is not None:
        spec.material('table').rgba = [*scene.table_colour, 1.0]
    if scene.head_view is not None:
        _turn_camera(spec.camera(profile.camera.key), scene.head_view)
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


def _turn_camera(camera: mujoco.MjsCamera, view: HeadView) -> None:
    """Move, turn and zoom the head camera, which is given by its x and y axes."""
    camera.pos = np.add(camera.pos, view.shift)
    axes = np.reshape(camera.alt.xyaxes, (2, 3))
    camera.alt.xyaxes = Rotation.from_rotvec(view.turn).apply(axes).ravel()
    camera.fovy = np.degrees(view.field_of_view)
