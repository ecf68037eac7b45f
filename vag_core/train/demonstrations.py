"""A folder of demonstration episodes: what is small in memory, videos from disk when asked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vag_core import images
from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, list_episodes, load_episode
from vag_core.model.image_fit import ImageFit, fit_image


class ClipFormat(Protocol):
    """What a model asks of its episodes.

    Attributes:
        height, width, image_fit: of its pictures.
        frames: of an episode; None for as many as the first one has.
        dimension: of its actions; None for that of the first one's.
    """

    height: int
    width: int
    image_fit: ImageFit

    @property
    def frames(self) -> int | None:
        """Frames of an episode."""

    @property
    def dimension(self) -> int | None:
        """Dimensions of an action."""


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """N episodes of one embodiment and frame rate.

    Attributes:
        folders: N episode folders; their names are the episodes'.
        actions: (N, T, D) float32 in the embodiment's units.
        start_states: (N, D) float32 measured joint positions at the first frame; the first action
            where an episode has none.
        instructions: N sentences.
        embodiment: meaning of the actions.
        fps: Hz.
        model: whose size the videos are fitted to.
        camera: key of the videos.
        mirrored: how many of them, the last ones, are seen in a mirror.
    """

    folders: list[Path]
    actions: np.ndarray
    start_states: np.ndarray
    instructions: list[str]
    embodiment: Embodiment
    fps: float
    model: ClipFormat
    camera: str
    mirrored: int = 0

    def __len__(self) -> int:
        return len(self.folders)

    @property
    def names(self) -> list[str]:
        """N folder names; those of mirror images say so."""
        return [
            folder.name + '-mirrored' * self._is_mirrored(index)
            for index, folder in enumerate(self.folders)
        ]

    def _is_mirrored(self, index: int) -> bool:
        return index >= len(self) - self.mirrored

    def video_file(self, index: int) -> Path:
        """Return the file of an episode's video."""
        return self.folders[index] / f'video_{self.camera}.mp4'

    def video(self, index: int) -> Tensor:
        """Return the frames of an episode, fitted to the model: (T, 3, H, W) uint8.

        Raises:
            ValueError: it has not as many frames as actions.
        """
        frames = self._pictures(index)
        steps = self.actions.shape[1]
        if len(frames) != steps:
            raise ValueError(f'{self.video_file(index)}: {len(frames)} frames, expected {steps}')
        size = self.model.height, self.model.width, self.model.image_fit
        return torch.from_numpy(np.stack([fit_image(f, *size) for f in frames])).movedim(-1, 1)

    def first_image(self, index: int) -> np.ndarray:
        """Return the first camera picture of an episode as it was recorded, (H', W', 3) uint8."""
        return self._pictures(index)[0]

    def _pictures(self, index: int) -> np.ndarray:
        frames = images.read_mp4(self.video_file(index))
        return frames[:, :, ::-1] if self._is_mirrored(index) else frames


def load_demonstrations(
    root: Path,
    model: ClipFormat,
    camera: str,
    on_episode: Callable[[int, int], None] | None = None,
) -> Demonstrations:
    """Read every episode under ``root`` but for the videos.

    Raises:
        ValueError: there is none, or one has another length, rate, embodiment or no such camera.
    """
    folders = list_episodes(root)
    if not folders:
        raise ValueError(f'{root}: no episodes')
    episodes: list[Episode] = []
    for index, folder in enumerate(folders):
        episode = load_episode(folder, videos=False)
        _check(folder, episode, model, camera, episodes[0] if episodes else episode)
        episodes.append(episode)
        if on_episode is not None:
            on_episode(index + 1, len(folders))
    return Demonstrations(
        folders=folders,
        actions=np.stack([episode.actions for episode in episodes]),
        start_states=np.stack([_start_state(episode) for episode in episodes]),
        instructions=[episode.instruction for episode in episodes],
        embodiment=episodes[0].embodiment,
        fps=episodes[0].fps,
        model=model,
        camera=camera,
    )


def _start_state(episode: Episode) -> np.ndarray:
    measured = episode.states is not None and episode.states.shape == episode.actions.shape
    return episode.states[0] if measured else episode.actions[0]


def _check(
    folder: Path, episode: Episode, model: ClipFormat, camera: str, reference: Episode
) -> None:
    for what, value, wanted in (
        ('steps', len(episode.actions), model.frames),
        ('action dimensions', episode.embodiment.dimension, model.dimension),
    ):
        if wanted is not None and value != wanted:
            raise ValueError(f'{folder}: {value} {what}, the model has {wanted}')
    if len(episode.actions) != len(reference.actions):
        raise ValueError(
            f'{folder}: {len(episode.actions)} steps, '
            f'the first episode has {len(reference.actions)}'
        )
    if not (folder / f'video_{camera}.mp4').is_file():
        there = sorted(p.stem.removeprefix('video_') for p in folder.glob('video_*.mp4'))
        raise ValueError(f'{folder}: no camera {camera!r}, there are {there}')
    for field in ('fps', 'embodiment'):
        value, expected = getattr(episode, field), getattr(reference, field)
        if value != expected:
            raise ValueError(f'{folder}: {field} = {value}, the first episode has {expected}')
