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
from vag_core.train.draws import SampleKey, seed_for


def future_actions(actions: np.ndarray, steps: int, chunk: int) -> np.ndarray:
    """Return for each of the first ``steps`` steps the ``chunk`` actions after it.

    Maps (T, D) to (steps, chunk, D); at the end the last action is repeated.
    """
    chosen = np.arange(steps)[:, None] + np.arange(1, chunk + 1)
    return actions[np.minimum(chosen, len(actions) - 1)]


def targets_of(states: np.ndarray, actions: np.ndarray, recipe: PolicyRecipe) -> np.ndarray:
    """Return what the network predicts at each of (N, D) states: (N, chunk, D), in units.

    Args:
        states: of N steps in a row.
        actions: (T, D) from the first of these steps on, T >= N.
        recipe: the chunk.
    """
    cfg = recipe.model.action
    future = future_actions(actions, len(states), cfg.chunk)
    return future - states[:, None] * cfg.relative


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
        data: N episodes of T steps.
        frames: their videos at the policy's size.
        sentences: (N, d).
        of_states, of_targets: normalisers.
        recipe: sizes and training.
        seed: of the run.
    """

    data: PolicyEpisodes
    frames: EpisodeFiles
    sentences: Tensor
    of_states: Normaliser
    of_targets: Normaliser
    recipe: PolicyRecipe
    seed: int

    def __getitem__(self, key: SampleKey) -> dict[str, Tensor]:
        """Return ``image``, ``state``, ``sentence`` and ``actions`` of one step.

        Noise on the state is no mistake of the network's: relative actions start from what it
        was told, so it learns to lead back.
        """
        rng = np.random.default_rng(seed_for(self.seed, 'policy', *key))
        episodes, steps, dimension = self.data.states.shape
        episode, step = int(rng.integers(episodes)), int(rng.integers(steps))
        noise = self.recipe.training.state_noise * rng.normal(size=dimension)
        state = self.data.states[episode, step] + noise * np.array(self.of_states.std)
        target = targets_of(state[None], self.data.clips.actions[episode, step:], self.recipe)[0]
        return {
            'episode': torch.tensor(episode),
            'image': self.frames.rows(episode, 'video', step, step + 1)[0],
            'state': torch.from_numpy(self.of_states.normalise(state)),
            'sentence': self.sentences[episode],
            'actions': torch.from_numpy(self.of_targets.normalise(target)),
        }


def make_samples(
    data: PolicyEpisodes,
    frames: EpisodeFiles,
    normalisers: tuple[Normaliser, Normaliser],
    recipe: PolicyRecipe,
    seed: int,
) -> PolicySamples:
    """Return the samples of ``data``; all but the pictures are held in memory."""
    instructions = data.clips.instructions
    distinct = sorted(set(instructions))
    features = sentence_features(make_text(recipe.model.text).encode(distinct))
    sentences = features[[distinct.index(text) for text in instructions]]
    return PolicySamples(data, frames, sentences, *normalisers, recipe=recipe, seed=seed)


def policy_loss(predicted: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean absolute error of the normalised chunk."""
    return functional.l1_loss(predicted, batch['actions'])
