"""What the numbers of an action mean: names, units, order and the space they live in.

An embodiment belongs to data and checkpoints. It says nothing of limits, drivers or topics: those
are a :class:`vag_core.robot.RobotProfile`, and many embodiments (LIBERO, AgiBot) have none.
"""

import enum
from pathlib import Path

import numpy as np

from vag_core import resources
from vag_core.configuration import ConfigError, config, load, shipped_or_own


class ActionSpace(enum.Enum):
    """How an action moves the robot."""

    JOINT_POSITION = 'joint_position'
    END_EFFECTOR_DELTA = 'end_effector_delta'


@config
class Embodiment:
    """Meaning of D action dimensions.

    Attributes:
        name: e.g. ``agilex_14``.
        dimensions: D names, in the order of the data.
        units: D units: ``rad``, ``m``, ``normalised`` or ``raw``.
        action_space: absolute joint positions or end-effector deltas.
        robot_scale, robot_offset: D values each; the data set's numbers become the robot's by
            ``scale * action + offset`` (e.g. a normalised gripper into metres). Empty: identity.
    """

    name: str
    dimensions: tuple[str, ...]
    units: tuple[str, ...]
    action_space: ActionSpace = ActionSpace.JOINT_POSITION
    robot_scale: tuple[float, ...] = ()
    robot_offset: tuple[float, ...] = ()

    def validate(self) -> None:
        """Raise ConfigError where lengths, names, units or the affine do not fit together."""
        if not self.dimensions:
            raise ConfigError('dimensions: at least one is needed')
        if len(set(self.dimensions)) != len(self.dimensions):
            raise ConfigError(f'dimensions: names must be unique, got {self.dimensions}')
        allowed = ('rad', 'm', 'normalised', 'raw')
        for dimension, unit in zip(self.dimensions, self.units, strict=False):
            if unit not in allowed:
                raise ConfigError(
                    f'units: {dimension} has {unit!r}, allowed are {", ".join(allowed)}'
                )
        for field in ('units', 'robot_scale', 'robot_offset'):
            values = getattr(self, field)
            if len(values) != self.dimension and (values or field == 'units'):
                raise ConfigError(f'{field}: {len(values)} values for {self.dimension} dimensions')
        if any(scale == 0 or not np.isfinite(scale) for scale in self.robot_scale):
            raise ConfigError(
                f'robot_scale: every value must be finite and not 0, got {self.robot_scale}'
            )
        if not np.all(np.isfinite(self.robot_offset)):
            raise ConfigError(f'robot_offset: every value must be finite, got {self.robot_offset}')

    @property
    def dimension(self) -> int:
        """D, the length of one action."""
        return len(self.dimensions)

    def to_robot(self, actions: np.ndarray) -> np.ndarray:
        """Map (..., D) actions in the data set's units to the robot's."""
        scale = np.asarray(self.robot_scale or 1.0)
        return np.asarray(actions) * scale + np.asarray(self.robot_offset or 0.0)

    def from_robot(self, positions: np.ndarray) -> np.ndarray:
        """Map (..., D) in the robot's units to the data set's: the inverse of :meth:`to_robot`."""
        offset = np.asarray(self.robot_offset or 0.0)
        return (np.asarray(positions) - offset) / np.asarray(self.robot_scale or 1.0)


def embodiment_names() -> list[str]:
    """Names of the embodiments that ship without a robot profile."""
    return resources.names('config/embodiments', '.yaml')


def load_embodiment(name_or_path: str | Path) -> Embodiment:
    """Load a shipped embodiment by name, or any by the path of its YAML file.

    Raises:
        ConfigError: naming the file, field, value and what is allowed.
    """
    return load(
        Embodiment, shipped_or_own(name_or_path, 'config/embodiments', 'embodiment', 'known')
    )
