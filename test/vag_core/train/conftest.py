"""Small demonstrations, and runs on them."""

import numpy as np
import pytest

from vag_core.episode import Episode, save_episode
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.run import RunOptions, TrainingRun


@pytest.fixture(scope='session')
def episodes(tmp_path_factory, checkpoint_config):
    """Three episodes of nine frames in which a square and all joints move together."""
    root = tmp_path_factory.mktemp('demonstrations')
    phase = np.linspace(0, 1, 9)
    for number in range(3):
        video = np.full((9, 32, 48, 3), 120, np.uint8)
        for step in range(9):
            left = 4 + 3 * step + number
            video[step, 10:18, left : left + 8] = [200, 30, 30]
        actions = np.outer(phase, np.linspace(0.1, 0.5, 14)) + 0.1 * number
        save_episode(
            Episode(
                episode_id=f'episode_{number:06d}',
                instruction='push the square',
                fps=10.0,
                embodiment=checkpoint_config.embodiment,
                actions=actions.astype(np.float32),
                videos={'cam_high': video},
            ),
            root / f'episode_{number:06d}',
        )
    return root


@pytest.fixture(scope='session')
def data(episodes, recipe):
    return load_demonstrations(episodes, recipe.model, 'cam_high')


@pytest.fixture(scope='session')
def make_run():
    """Return a run of a recipe on demonstrations."""

    def make(recipe, data, out, **options):
        return TrainingRun(recipe, data, RunOptions(out=out, **options))

    return make


@pytest.fixture(scope='session')
def trained(data, recipe, make_run, tmp_path_factory):
    """The smallest recipe, trained: its folder and what was measured."""
    out = tmp_path_factory.mktemp('training') / 'out'
    return out, make_run(recipe, data, out, seed=3).train()
