"""The URDF of one robot profile: urdf/cobot_magic.urdf with the profile's names and places."""

import xml.etree.ElementTree as ET

from vag_core import resources
from vag_core.robot import Arm, RobotProfile

SURROUNDINGS = ('body', 'table')
"""Links beside the arms; known of the simulated robot only."""

GHOST_COLOUR = '0.10 0.62 0.95 0.40'


def describe(profile: RobotProfile, ghost: bool = False) -> str:
    """Return the URDF of the profile's robot; its moving joints are ``profile.joint_names``.

    A real robot's arms stand where its workcell says, else where they stand in the simulated one;
    cart and table are left out of it.

    Args:
        profile: of two arms of the shape of a Piper, named left and right.
        ghost: translucent arms alone.

    Raises:
        ValueError: the profile's arms are not those of the file.
    """
    robot = ET.fromstring(resources.find('urdf/cobot_magic.urdf').read_text())
    robot.set('name', f'{profile.name}_ghost' if ghost else profile.name)
    names = {
        own: theirs
        for arm in profile.arms
        for own, theirs in zip(_joints_of(robot, arm), arm.joints, strict=True)
    }
    for joint in robot.findall('joint'):
        if joint.get('name') in names:
            _set_limits(joint, profile, names[joint.get('name')])
            joint.set('name', names[joint.get('name')])
        mimic = joint.find('mimic')
        if mimic is not None:
            mimic.set('joint', names[mimic.get('joint')])
    if profile.workcell is not None:
        for arm in profile.arms:
            base = profile.workcell.bases[arm.name]
            origin = robot.find(f"joint[@name='{arm.name}_mount']/origin")
            origin.set('xyz', ' '.join(map(str, base.position)))
            origin.set('rpy', f'0 0 {base.yaw}')
    if ghost or not profile.simulated:
        _remove_surroundings(robot)
    if ghost:
        for colour in robot.iter('color'):
            colour.set('rgba', GHOST_COLOUR)
    return ET.tostring(robot, encoding='unicode')


def _joints_of(robot: ET.Element, arm: Arm) -> list[str]:
    """Names of an arm's joints in the file, from the base on: six that turn, then the gripper."""
    moving = [
        joint.get('name')
        for joint in robot.findall('joint')
        if joint.get('type') != 'fixed' and joint.find('mimic') is None
    ]
    own = [name for name in moving if name.startswith(f'{arm.name}_')]
    if len(own) != len(arm.driver_joints):
        raise ValueError(
            f'arm {arm.name} has {len(arm.driver_joints)} joints, urdf/cobot_magic.urdf '
            f'describes {len(own)} for an arm of that name'
        )
    return own


def _set_limits(joint: ET.Element, profile: RobotProfile, name: str) -> None:
    index = profile.joint_names.index(name)
    limit = joint.find('limit')
    for key, field in (
        ('lower', 'min_position'),
        ('upper', 'max_position'),
        ('velocity', 'max_velocity'),
    ):
        limit.set(key, str(profile.per_joint(field)[index]))


def _remove_surroundings(robot: ET.Element) -> None:
    for name in SURROUNDINGS:
        robot.remove(robot.find(f"link[@name='{name}']"))
        robot.remove(robot.find(f"joint[@name='{name}_mount']"))
