"""Every demonstration of two equal arms seen in a mirror: twice the scenes, at no recording."""

import re
from dataclasses import replace

import numpy as np

from vag_core.configuration import ConfigError, config
from vag_core.train.demonstrations import Demonstrations

OPPOSITE = {'left': 'right', 'right': 'left'}


@config
class MirrorConfig:
    """How a mirror that swaps left and right changes the actions.

    Actions are those of two equal arms, one half each; the camera looks along the mirror's plane.

    Attributes:
        signs: factor on every dimension of an arm: -1 where the joint turns the other way.
    """

    signs: tuple[int, ...]

    def validate(self) -> None:
        """Raise ConfigError for a factor other than 1 and -1."""
        if not self.signs or any(sign not in (1, -1) for sign in self.signs):
            raise ConfigError(f'signs = {self.signs}: each must be 1 or -1')


def with_mirrored(data: Demonstrations, cfg: MirrorConfig) -> Demonstrations:
    """Return the N demonstrations and, after them, their N mirror images.

    Raises:
        ConfigError: the actions are not two halves of as many dimensions as there are signs.
    """
    dimension = data.embodiment.dimension
    if dimension != 2 * len(cfg.signs):
        raise ConfigError(
            f'mirror.signs = {cfg.signs}: two arms of {len(cfg.signs)} dimensions, '
            f'{data.embodiment.name} has {dimension} in all'
        )
    instructions = [mirrored_words(instruction) for instruction in data.instructions]
    return replace(
        data,
        folders=[*data.folders, *data.folders],
        actions=np.concatenate([data.actions, mirrored_values(data.actions, cfg)]),
        start_states=np.concatenate([data.start_states, mirrored_values(data.start_states, cfg)]),
        instructions=[*data.instructions, *instructions],
        mirrored=len(data),
    )


def mirrored_values(values: np.ndarray, cfg: MirrorConfig) -> np.ndarray:
    """Swap the arms of (..., D) actions and turn their joints the other way."""
    left, right = np.split(values, 2, axis=-1)
    return np.concatenate([right, left], axis=-1) * np.tile(cfg.signs, 2).astype(values.dtype)


def mirrored_words(instruction: str) -> str:
    """Swap the words left and right."""
    return re.sub(r'\b(left|right)\b', lambda found: OPPOSITE[found[0]], instruction)
