"""Samples of each stage: pure functions of the run's seed and their place in the run."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from vag_core.model.vae import TIME_FACTOR
from vag_core.train.cache import EpisodeFiles, InstructionTokens
from vag_core.train.draws import SampleKey, generator_for
from vag_core.train.noise import NoiseConfig, sample_times
from vag_core.train.recipe import ActionTraining, Thinning

Item = dict[str, Tensor]


class GroupSamples(Dataset):
    """Groups of four frames, as the light VAE takes them, and the noise of its latent."""

    def __init__(self, frames: EpisodeFiles, length: int, noise: tuple[int, ...], seed: int):
        self.frames, self.noise, self.seed = frames, noise, seed
        self.groups = (length - 1) // TIME_FACTOR + 1

    def __getitem__(self, key: SampleKey) -> Item:
        """Return ``pixels`` (12, H, W) uint8 and ``noise`` (C, h, w)."""
        generator = generator_for(self.seed, 'vae', *key)
        episode = _pick(len(self.frames), generator)
        group = _pick(self.groups, generator)
        last = TIME_FACTOR * group + 1
        pixels = self.frames.rows(episode, 'video', max(0, last - TIME_FACTOR), last)
        pixels = pixels.expand(TIME_FACTOR, -1, -1, -1) if group == 0 else pixels
        return {
            'episode': torch.tensor(episode),
            'pixels': pixels.transpose(0, 1).flatten(0, 1),
            'noise': torch.randn(self.noise, generator=generator),
        }


@dataclass(frozen=True, eq=False)
class Clips:
    """What the streams are trained on: N encoded episodes.

    Attributes:
        names: of the episodes.
        latents: their ``latent``.
        text: their tokens.
        actions: (N, padded steps, D) normalised, the last step repeated.
        start_states: (N, D) normalised.
    """

    names: list[str]
    latents: EpisodeFiles
    text: InstructionTokens
    actions: Tensor
    start_states: Tensor

    def __len__(self) -> int:
        return len(self.names)

    def latent(self, episode: int) -> Tensor:
        """Return one latent video (C, T', h, w) float32."""
        return self.latents.read(episode, 'latent').float()

    def conditions(self, episode: int) -> Item:
        """Return what says which episode it is and what it is about."""
        return {
            'episode': torch.tensor(episode),
            'text': self.text.read(episode),
            'actions': self.actions[episode],
            'start_state': self.start_states[episode],
        }


class StreamSamples(Dataset):
    """Clips with noise and noise levels for both streams."""

    def __init__(
        self,
        clips: Clips,
        noise: NoiseConfig,
        *,
        text_dropout: float,
        independent: bool,
        seed: int,
        thinning: Thinning | None = None,
    ) -> None:
        self.clips, self.noise, self.seed = clips, noise, seed
        self.text_dropout, self.independent = text_dropout, independent
        self.thinning = thinning or Thinning()

    def __getitem__(self, key: SampleKey) -> Item:
        """Return the clip with ``latent``, ``places`` of its frames, ``noise``, ``time``,
        ``keep_text`` and those of the actions: ``action_noise`` and ``action_time``."""
        generator = generator_for(self.seed, 'streams', *key)
        episode = _pick(len(self.clips), generator)
        latent = self.clips.latent(episode)
        actions = self.clips.actions[episode]
        frames = latent.shape[1]
        places = self._places(frames, key.step)
        latent = latent[:, places]
        time, other = (sample_times(self.noise, 1, frames, generator)[0] for _ in range(2))
        keep = torch.rand((), generator=generator) >= self.text_dropout
        return {
            **self.clips.conditions(episode),
            'latent': latent,
            'places': places,
            'noise': torch.randn(latent.shape, generator=generator),
            'time': time,
            'keep_text': keep.float(),
            'action_noise': torch.randn(actions.shape, generator=generator),
            'action_time': other if self.independent else time,
        }

    def _places(self, frames: int, step: int) -> Tensor:
        """Draw the latent frames of a step's clips, alike for its whole batch."""
        generator = generator_for(self.seed, 'places', step)
        if torch.rand((), generator=generator) >= self.thinning.share:
            return torch.arange(frames)
        chosen = torch.randperm(frames - 1, generator=generator)[: self.thinning.frames - 1] + 1
        return torch.cat([torch.zeros(1, dtype=torch.long), chosen.sort().values])


class ActionSamples(Dataset):
    """Actions with noise, and a true latent or an estimate of it at the same noise level."""

    def __init__(
        self,
        clips: Clips,
        estimates: EpisodeFiles | None,
        cfg: ActionTraining,
        *,
        counts: int,
        seed: int,
    ) -> None:
        self.clips, self.estimates, self.counts = clips, estimates, counts
        self.noise, self.seed = cfg.noise, seed
        self.true_share = cfg.true_share if estimates is not None else 1.0

    def __getitem__(self, key: SampleKey) -> Item:
        """Return the clip with ``latent``, ``time`` and ``action_noise``."""
        generator = generator_for(self.seed, 'action', *key)
        episode = _pick(len(self.clips), generator)
        if self._takes_true(key):
            latent = self.clips.latent(episode)
            time = sample_times(self.noise, 1, latent.shape[1], generator)[0]
        else:
            row = _pick(self.counts, generator)
            latent = self.estimates.rows(episode, 'latent', row, row + 1)[0].float()
            time = self.estimates.rows(episode, 'time', row, row + 1)[0]
        noise = torch.randn(self.clips.actions[episode].shape, generator=generator)
        conditions = self.clips.conditions(episode)
        return {**conditions, 'latent': latent, 'time': time, 'action_noise': noise}

    def _takes_true(self, key: SampleKey) -> bool:
        """Spread the share evenly over a batch, from a start that is drawn for each step."""
        start = torch.rand((), generator=generator_for(self.seed, 'share', key.step)).item()
        here, after = (math.floor((key.place + k) * self.true_share + start) for k in (0, 1))
        return after > here


def _pick(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
