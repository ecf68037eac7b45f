"""A small reader with random weights, and demonstrations to train it on."""

import numpy as np
import pytest
import torch

from vag_core.baselines.model import ModelConfig, make_network
from vag_core.baselines.reader import ReaderConfig
from vag_core.baselines.recipe import ReaderRecipe, ReaderTraining
from vag_core.baselines.resnet import ResnetConfig, TrunkConfig
from vag_core.episode import Episode, save_episode
from vag_core.model.normaliser import Normaliser
from vag_core.robot import load_profile
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.optimisation import StageConfig


@pytest.fixture(scope='session')
def embodiment():
    return load_profile('sim').as_embodiment()


@pytest.fixture(scope='session')
def resnet_config():
    trunk = TrunkConfig(widths=(4, 8), depths=(1, 1), strides=(1, 2))
    return ModelConfig(network=ResnetConfig(trunk=trunk, pool=(2, 6)), height=32, width=48)


@pytest.fixture(scope='session')
def reader_config(resnet_config, embodiment):
    return ReaderConfig(
        model=resnet_config,
        embodiment=embodiment,
        normaliser=Normaliser(mean=(0.1,) * 14, std=(0.5,) * 14),
        camera='cam_high',
        fps=10.0,
        evaluation='random weights',
        provenance={'seed': 0},
    )


@pytest.fixture
def network(resnet_config, embodiment):
    torch.manual_seed(0)
    return make_network(resnet_config, embodiment).eval()


@pytest.fixture(scope='session')
def reader_recipe(resnet_config):
    stage = StageConfig(steps=6, batch=4, learning_rate=3e-3, warmup=2)
    return ReaderRecipe(
        model=resnet_config,
        training=ReaderTraining(stage=stage, save_every=2, log_every=0, evaluation='random'),
    )


@pytest.fixture(scope='session')
def frames_root(tmp_path_factory, embodiment):
    """Two episodes of five frames in which a square's place says where all joints are."""
    root = tmp_path_factory.mktemp('frames')
    for number in range(2):
        video = np.full((5, 32, 48, 3), 120, np.uint8)
        for step in range(5):
            left = 4 + 8 * step
            video[step, 10:18, left : left + 8] = [200, 30, 30 + 100 * number]
        actions = np.outer(np.linspace(-0.5, 0.5, 5), np.ones(14)).astype(np.float32)
        save_episode(
            Episode(f'e{number}', 'push', 10.0, embodiment, actions, {'cam_high': video}),
            root / f'e{number}',
        )
    return root


@pytest.fixture(scope='session')
def frames_data(frames_root, resnet_config):
    return load_demonstrations(frames_root, resnet_config, 'cam_high')
