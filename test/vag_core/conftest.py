"""A small model with random weights, shared by the tests of sampling, checkpoints and training."""

import pytest
import torch

from vag_core import resources
from vag_core.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint
from vag_core.configuration import load
from vag_core.model.normaliser import Normaliser
from vag_core.model.vag import Vag
from vag_core.robot import load_profile
from vag_core.train.recipe import Recipe


@pytest.fixture(scope='session')
def recipe():
    """The smallest recipe."""
    return load(Recipe, resources.find('config/models/test.yaml'))


@pytest.fixture(scope='session')
def checkpoint_config(recipe):
    """Its checkpoint configuration for the Cobot Magic."""
    return CheckpointConfig(
        model=recipe.model,
        embodiment=load_profile('sim').as_embodiment(),
        normaliser=Normaliser(mean=(0.1,) * 14, std=(0.5,) * 14),
        camera='cam_high',
        fps=10.0,
        evaluation='random weights',
    )


@pytest.fixture(scope='session')
def random_model(recipe):
    """The model with random weights, gates open."""
    torch.manual_seed(0)
    return Vag(recipe.model).eval()


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory, checkpoint_config, random_model):
    """It, saved and loaded."""
    folder = tmp_path_factory.mktemp('checkpoints') / 'random'
    return load_checkpoint(save_checkpoint(folder, checkpoint_config, random_model))
