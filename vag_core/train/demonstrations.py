"""A folder of demonstration episodes as arrays of the model's size."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, list_episodes, load_episode
from vag_core.model.image_fit import fit_image
from vag_core.model.vag import VagConfig


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """N episodes of one embodiment and frame rate.

    Attributes:
        names: N folder names.
        video: (N, T, 3, H, W) uint8.
        actions: (N, T, D) float32 in the embodiment's units.
        instructions: N sentences.
        images: N first camera pictures (H', W', 3) uint8, as they were recorded.
        embodiment: meaning of the actions.
        fps: Hz.
    """

    names: list[str]
    video: Tensor
    actions: np.ndarray
    instructions: list[str]
    images: list[np.ndarray]
    embodiment: Embodiment
    fps: float

    def __len__(self) -> int:
        return len(self.names)


def load_demonstrations(
    root: Path, model: VagConfig, camera: str, on_episode: Callable[[int, int], None] | None = None
) -> Demonstrations:
    """Read every episode under ``root`` and fit its frames to the model.

    Raises:
        ValueError: there is none, or one has another length, rate, embodiment or no such camera.
    """
    folders = list_episodes(root)
    if not folders:
        raise ValueError(f'{root}: no episodes')
    episodes, videos, images = [], [], []
    for index, folder in enumerate(folders):
        episode = load_episode(folder)
        _check(folder, episode, model, camera, episodes[0] if episodes else episode)
        frames = episode.videos[camera]
        fitted = [fit_image(f, model.height, model.width, model.image_fit) for f in frames]
        videos.append(torch.from_numpy(np.stack(fitted)).movedim(-1, 1))
        images.append(frames[0].copy())
        episode.videos.clear()
        episodes.append(episode)
        if on_episode is not None:
            on_episode(index + 1, len(folders))
    return Demonstrations(
        names=[folder.name for folder in folders],
        video=torch.stack(videos),
        actions=np.stack([episode.actions for episode in episodes]),
        instructions=[episode.instruction for episode in episodes],
        images=images,
        embodiment=episodes[0].embodiment,
        fps=episodes[0].fps,
    )


def _check(
    folder: Path, episode: Episode, model: VagConfig, camera: str, reference: Episode
) -> None:
    if len(episode.actions) != model.frames:
        raise ValueError(f'{folder}: {len(episode.actions)} steps, the model has {model.frames}')
    if episode.embodiment.dimension != model.action.dimension:
        raise ValueError(
            f'{folder}: {episode.embodiment.dimension} action dimensions, '
            f'the model has {model.action.dimension}'
        )
    if camera not in episode.videos:
        raise ValueError(f'{folder}: no camera {camera!r}, there are {sorted(episode.videos)}')
    for field in ('fps', 'embodiment'):
        value, expected = getattr(episode, field), getattr(reference, field)
        if value != expected:
            raise ValueError(f'{folder}: {field} = {value}, the first episode has {expected}')
