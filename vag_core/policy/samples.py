"""Training samples of a policy: pure functions of the run's seed and their place in the run."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from vag_core.model.normaliser import Normaliser
from vag_core.model.text import make_text
from vag_core.policy.config import PolicyRecipe
from vag_core.policy.episodes import PolicyEpisodes
from vag_core.policy.network import sentence_features
from vag_core.train.cache import EpisodeFiles
from vag_core.train.draws import SampleKey, generator_for


def future_actions(actions: np.ndarray, chunk: int) -> np.ndarray:
    """Return for each step the ``chunk`` actions after it, the last one repeated at the end.

    Maps (T, D) to (T, chunk, D).
    """
    steps = np.arange(len(actions))[:, None] + np.arange(1, chunk + 1)
    return actions[np.minimum(steps, len(actions) - 1)]


def targets_of(states: np.ndarray, actions: np.ndarray, recipe: PolicyRecipe) -> np.ndarray:
    """Return what the network predicts at each step of an episode: (T, chunk, D), in units."""
    cfg = recipe.model.action
    return future_actions(actions, cfg.chunk) - states[:, None] * cfg.relative


def fit_normalisers(data: PolicyEpisodes, recipe: PolicyRecipe) -> tuple[Normaliser, Normaliser]:
    """Fit the normalisers of the states and of the targets to all steps of all episodes."""
    minimum, dimension = recipe.training.minimum_std, recipe.model.action.dimension
    targets = [
        targets_of(states, actions, recipe)
        for states, actions in zip(data.states, data.clips.actions, strict=True)
    ]
    return (
        Normaliser.fit(data.states.reshape(-1, dimension), minimum),
        Normaliser.fit(np.concatenate(targets).reshape(-1, dimension), minimum),
    )


@dataclass(frozen=True, eq=False)
class PolicySamples(Dataset):
    """Steps of episodes, drawn evenly.

    Attributes:
        frames: the videos at the policy's size.
        states: (N, T, D) normalised.
        targets: (N, T, chunk, D) normalised.
        sentences: (N, d).
        state_noise: see PolicyTraining.
        seed: of the run.
    """

    frames: EpisodeFiles
    states: Tensor
    targets: Tensor
    sentences: Tensor
    state_noise: float
    seed: int

    def __getitem__(self, key: SampleKey) -> dict[str, Tensor]:
        """Return ``image``, ``state``, ``sentence`` and ``actions`` of one step."""
        generator = generator_for(self.seed, 'policy', *key)
        episodes, steps = self.states.shape[:2]
        episode, step = (
            int(torch.randint(count, (), generator=generator)) for count in (episodes, steps)
        )
        state = self.states[episode, step]
        noise = torch.randn(state.shape, generator=generator)
        return {
            'episode': torch.tensor(episode),
            'image': self.frames.rows(episode, 'video', step, step + 1)[0],
            'state': state + self.state_noise * noise,
            'sentence': self.sentences[episode],
            'actions': self.targets[episode, step],
        }


def make_samples(
    data: PolicyEpisodes,
    frames: EpisodeFiles,
    normalisers: tuple[Normaliser, Normaliser],
    recipe: PolicyRecipe,
    seed: int,
) -> PolicySamples:
    """Return the samples of ``data``; all but the pictures are held in memory."""
    of_states, of_targets = normalisers
    distinct = sorted(set(data.clips.instructions))
    features = sentence_features(make_text(recipe.model.text).encode(distinct))
    targets = [
        of_targets.normalise(targets_of(states, actions, recipe))
        for states, actions in zip(data.states, data.clips.actions, strict=True)
    ]
    return PolicySamples(
        frames=frames,
        states=torch.from_numpy(of_states.normalise(data.states)),
        targets=torch.from_numpy(np.stack(targets)),
        sentences=features[[distinct.index(text) for text in data.clips.instructions]],
        state_noise=recipe.training.state_noise,
        seed=seed,
    )


def policy_loss(predicted: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean absolute error of the normalised chunk."""
    return functional.l1_loss(predicted, batch['actions'])
