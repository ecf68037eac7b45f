"""What a policy learns from: episodes of one or more folders, with the state at every step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vag_core.episode import load_episode
from vag_core.policy.config import PolicyConfig
from vag_core.train.demonstrations import Demonstrations, load_demonstrations


@dataclass(frozen=True, eq=False)
class PolicyEpisodes:
    """N episodes of T steps.

    Attributes:
        clips: their videos, actions and instructions.
        states: (N, T, D) float32 joint positions at each frame; the action of that frame where an
            episode has no measured ones.
    """

    clips: Demonstrations
    states: np.ndarray


def load_policy_episodes(
    roots: Sequence[Path],
    cfg: PolicyConfig,
    camera: str,
    on_episode: Callable[[int, int], None] | None = None,
) -> PolicyEpisodes:
    """Read every episode under ``roots`` but for the videos.

    Raises:
        ValueError: a folder has none, or one has another length, rate, embodiment or no such
            camera.
    """
    parts = [load_demonstrations(root, cfg, camera, on_episode) for root in roots]
    first = parts[0]
    for root, part in zip(roots, parts, strict=True):
        for what, value, expected in (
            ('fps', part.fps, first.fps),
            ('embodiment', part.embodiment, first.embodiment),
            ('steps', part.actions.shape[1], first.actions.shape[1]),
        ):
            if value != expected:
                raise ValueError(f'{root}: {what} = {value}, {roots[0]} has {expected}')
    folders = [folder for part in parts for folder in part.folders]
    clips = Demonstrations(
        folders=folders,
        actions=np.concatenate([part.actions for part in parts]),
        start_states=np.concatenate([part.start_states for part in parts]),
        instructions=[text for part in parts for text in part.instructions],
        embodiment=first.embodiment,
        fps=first.fps,
        model=cfg,
        camera=camera,
    )
    return PolicyEpisodes(clips, np.stack([_states(folder) for folder in folders]))


def _states(folder: Path) -> np.ndarray:
    episode = load_episode(folder, videos=False)
    measured = episode.states is not None and episode.states.shape == episode.actions.shape
    return episode.states if measured else episode.actions
