"""A small reader with random weights."""

import pytest
import torch

from vag_core.baselines.reader import ModelConfig, ReaderConfig, make_network
from vag_core.baselines.resnet import ResnetConfig, TrunkConfig
from vag_core.model.normaliser import Normaliser
from vag_core.robot import load_profile


@pytest.fixture(scope='session')
def embodiment():
    return load_profile('sim').as_embodiment()


@pytest.fixture(scope='session')
def resnet_config():
    trunk = TrunkConfig(widths=(4, 8), depths=(1, 1), strides=(1, 2))
    return ModelConfig(network=ResnetConfig(trunk=trunk), height=32, width=48)


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
