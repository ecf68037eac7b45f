"""What an arm's driver lets through: the check of one command message, without ROS."""

from collections.abc import Sequence

import numpy as np

from vag_core.robot import Arm, RobotProfile
from vag_sim.motion import ROUNDING


class CommandRefusedError(ValueError):
    """A command that the driver does not carry out; the message says why."""


def read_command(
    profile: RobotProfile, arm: Arm, names: Sequence[str], positions: Sequence[float]
) -> np.ndarray:
    """Turn one command of ``arm`` into targets (n,) in rad and m, in the order of its joints.

    The driver's joints may come in any order; ``positions`` are in the driver's units.

    Raises:
        CommandRefusedError: a name is unknown, missing or double, the lengths differ, a number is
            not finite or outside the joint's hard limits.
    """
    known = ', '.join(arm.driver_joints)
    if len(positions) != len(names):
        raise CommandRefusedError(f'{len(positions)} positions for {len(names)} names')
    for name in names:
        if name not in arm.driver_joints:
            raise CommandRefusedError(f'{name!r} is no joint of this arm; it has {known}')
        if list(names).count(name) > 1:
            raise CommandRefusedError(f'{name} is named {list(names).count(name)} times')
    for name in arm.driver_joints:
        if name not in names:
            raise CommandRefusedError(f'{name} is missing; a command names all of {known}')
    by_name = dict(zip(names, positions, strict=True))
    for name, value in by_name.items():
        if not np.isfinite(value):
            raise CommandRefusedError(f'{name} = {value}: must be finite')
    target = profile.from_driver(arm, [by_name[name] for name in arm.driver_joints])
    for name, value in zip(arm.driver_joints, target, strict=True):
        limits = profile.joint_limits[name]
        low, high = limits.min_position, limits.max_position
        if not low - ROUNDING <= value <= high + ROUNDING:
            raise CommandRefusedError(f'{name} = {value:.6g}: allowed is {low} to {high}')
    return target
