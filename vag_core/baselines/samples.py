"""Single frames with their actions: pure functions of the run's seed and of their place in it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vag_core.baselines.augmentation import AugmentationConfig, augment
from vag_core.train.cache import EpisodeFiles
from vag_core.train.draws import SampleKey, generator_for


@dataclass(frozen=True, eq=False)
class FrameSamples(Dataset):
    """Frames of N episodes, changed a little.

    Attributes:
        frames: their ``video``.
        actions: (N, T, D) normalised.
        augmentation: of the frames; None for none.
        seed: of the run.
    """

    frames: EpisodeFiles
    actions: Tensor
    augmentation: AugmentationConfig | None
    seed: int

    def __getitem__(self, key: SampleKey) -> dict[str, Tensor]:
        """Return ``pixels`` (3, H, W) uint8, ``actions`` (D,) and the ``episode``."""
        generator = generator_for(self.seed, 'frames', *key)
        episodes, steps = self.actions.shape[:2]
        episode, step = divmod(
            int(torch.randint(episodes * steps, (), generator=generator)), steps
        )
        pixels = self.frames.rows(episode, 'video', step, step + 1)[0]
        if self.augmentation is not None:
            frame = np.ascontiguousarray(pixels.movedim(0, -1).numpy())
            pixels = torch.from_numpy(augment(frame, self.augmentation, generator)).movedim(-1, 0)
        return {
            'episode': torch.tensor(episode),
            'pixels': pixels,
            'actions': self.actions[episode, step],
        }
