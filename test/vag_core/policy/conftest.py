"""The smallest policy and episodes in which the picture says what to do."""

import dataclasses

import numpy as np
import pytest

from vag_core.configuration import load
from vag_core.episode import Episode, save_episode
from vag_core.policy.config import PolicyRecipe
from vag_core.robot import load_profile

EMBODIMENT = load_profile('sim').as_embodiment()
STEPS = 6


@pytest.fixture(scope='session')
def tiny_policy():
    """Return its recipe."""
    return load(
        PolicyRecipe,
        {
            'model': {
                'height': 16,
                'width': 16,
                'action': {'chunk': 3, 'execute': 2},
                'text': {'kind': 'words', 'dim': 16, 'length': 8},
                'widths': [8, 8],
                'blocks': 1,
                'keypoints': 4,
                'text_features': 8,
                'hidden': 32,
            },
            'training': {
                'stage': {'steps': 8, 'batch': 4, 'learning_rate': 0.003, 'warmup': 2},
                'save_every': 2,
            },
        },
    )


@pytest.fixture(scope='session')
def write_policy_episodes():
    """Return a writer of episodes: a square stands left or right, all joints move that way."""

    def write(root, count=4, embodiment=EMBODIMENT, states=True, start=0.0):
        for number in range(count):
            side = 1 if number % 2 else -1
            video = np.full((STEPS, 16, 16, 3), 90, np.uint8)
            column = 10 if side > 0 else 2
            video[:, 6:10, column : column + 4] = [220, 40, 40]
            actions = np.outer(np.linspace(start, 1, STEPS), np.full(14, 0.4 * side))
            episode = Episode(
                episode_id=f'e{number}',
                instruction='push the square',
                fps=10.0,
                embodiment=embodiment,
                actions=actions.astype(np.float32),
                videos={'cam_high': video},
                states=(actions - actions[0]).astype(np.float32) if states else None,
            )
            save_episode(episode, root / episode.episode_id)
        return root

    return write


@pytest.fixture(scope='session')
def policy_data(write_policy_episodes, tmp_path_factory):
    return write_policy_episodes(tmp_path_factory.mktemp('policy') / 'data')


@pytest.fixture(autouse=True)
def no_curve(monkeypatch):
    """Drawing the losses takes longer than these runs."""
    monkeypatch.setattr('vag_core.policy.run.draw_losses', lambda *_: None)


@pytest.fixture
def longer(tiny_policy):
    """Return a function that gives the recipe with another optimisation."""

    def change(steps, **more):
        training = tiny_policy.training
        stage = dataclasses.replace(training.stage, steps=steps, **more)
        return dataclasses.replace(
            tiny_policy, training=dataclasses.replace(training, stage=stage)
        )

    return change
