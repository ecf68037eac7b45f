"""Plain perturbation of demonstrations: the baseline that any synthetic data has to beat."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vag_core.configuration import ConfigError, config
from vag_core.episode import Episode, list_episodes, load_episode, save_episode
from vag_core.train.optimisation import check_range


@config
class PerturbConfig:
    """How much of what is changed.

    Attributes:
        start_rad, start_m: standard deviation of an offset of the measured states at the start; it
            is gone after ``start_steps``. The actions lead back to the demonstration.
        start_steps: steps.
        action_rad, action_m: standard deviation of a slow wander of the actions.
        wander_steps: steps between the wander's independent knots.
        brightness, contrast: largest change, as a share of the range and as a factor less 1.
        channel: largest change of the factor on each colour channel.
        pixel: standard deviation of noise on each pixel, grey levels.
    """

    start_rad: float = 0.03
    start_m: float = 0.002
    start_steps: int = 20
    action_rad: float = 0.004
    action_m: float = 0.0005
    wander_steps: int = 12
    brightness: float = 0.08
    contrast: float = 0.15
    channel: float = 0.08
    pixel: float = 3.0

    def validate(self) -> None:
        """Raise ConfigError for negative sizes and for no steps."""
        for field in ('start_steps', 'wander_steps'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        check_range(self, ('start_rad', 'start_m', 'action_rad', 'action_m', 'pixel'))
        check_range(self, ('brightness', 'contrast', 'channel'), highest=1)


def perturb(episode: Episode, cfg: PerturbConfig, seed: Sequence[int], name: str) -> Episode:
    """Return a perturbed copy of an episode, called ``name``; the same seed gives the same one.

    Nobody has tried its actions, so its success is unknown.
    """
    rng = np.random.default_rng(seed)
    steps, dimension = episode.actions.shape
    metres = np.array([unit == 'm' for unit in episode.embodiment.units])
    offset = rng.normal(size=dimension) * np.where(metres, cfg.start_m, cfg.start_rad)
    left = np.clip(1 - np.arange(steps) / cfg.start_steps, 0, 1)[:, None]
    knots = np.arange(0, steps + cfg.wander_steps, cfg.wander_steps)
    wander = rng.normal(size=(len(knots), dimension))
    wander *= np.where(metres, cfg.action_m, cfg.action_rad)
    slow = [np.interp(np.arange(steps), knots, column) for column in wander.T]
    states = episode.actions if episode.states is None else episode.states
    return replace(
        episode,
        episode_id=name,
        actions=(episode.actions + np.stack(slow, axis=1)).astype(np.float32),
        states=(states + left * offset).astype(np.float32),
        videos={camera: _relight(v, cfg, rng) for camera, v in episode.videos.items()},
        success=None,
        provenance={
            **episode.provenance,
            'source': 'perturbed demonstration',
            'perturbed_from': episode.episode_id,
            'perturbation_seed': list(seed),
        },
    )


def perturb_all(
    data: Path,
    count: int,
    out: Path,
    cfg: PerturbConfig,
    *,
    seed: int = 0,
    on_episode: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write ``count`` perturbed episodes to ``out``, from those in ``data`` in turn.

    What is there already stays.

    Raises:
        ValueError: ``data`` holds no episodes.
    """
    sources = list_episodes(data)
    if not sources:
        raise ValueError(f'{data}: no episodes')
    for number in range(count):
        source = sources[number % len(sources)]
        name = f'{source.name}_p{number:05d}'
        if not (out / name).exists():
            made = perturb(load_episode(source), cfg, (seed, number), name)
            save_episode(made, out / name)
        on_episode(number + 1, count)


def _relight(video: np.ndarray, cfg: PerturbConfig, rng: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast and colour of all frames alike, and add noise to each."""
    scale = 1 + cfg.contrast * rng.uniform(-1, 1) + cfg.channel * rng.uniform(-1, 1, size=3)
    shift = 255 * cfg.brightness * rng.uniform(-1, 1)
    noise = rng.normal(0, cfg.pixel, size=video.shape)
    changed = (video - 128.0) * scale + 128.0 + shift + noise
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)
