"""The paper's model as it ships: config/models/cosmos_2b.yaml."""

import dataclasses

import pytest
import torch

from vag_core import resources
from vag_core.configuration import load, read_yaml
from vag_core.flow import Solver
from vag_core.model.bridge import BridgeKind
from vag_core.model.coupling import CouplingKind
from vag_core.model.text import TextKind
from vag_core.model.vag import Vag, VagConfig, make_action
from vag_core.model.video import Prediction


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope='module')
def preset():
    return load(VagConfig, read_yaml(resources.find('config/models/cosmos_2b.yaml'))['model'])


def test_it_generates_93_frames_of_432_by_768(preset):
    assert (preset.frames, preset.height, preset.width) == (93, 432, 768)
    assert (preset.vae.latent_channels, *preset.latent_size) == (16, 24, 54, 96)
    assert preset.padded_steps == 96


def test_its_parts_have_the_published_numbers_of_parameters(preset):
    with torch.device('meta'):
        model = Vag(preset)
    assert count(model.video) == 1_956_413_440
    assert count(model.action) == 251_554_958
    assert count(model.action.bridge) == 0
    assert count(model.vae) == pytest.approx(126.9e6, rel=1e-3)


def test_libero_needs_another_dimension_only(preset):
    action = dataclasses.replace(preset.action, dimension=7)
    with torch.device('meta'):
        stream = make_action(dataclasses.replace(preset, action=action))
    assert count(stream) == 251_529_863


def test_it_is_the_paper_s_method(preset):
    assert preset.text.kind is TextKind.T5
    assert preset.video.prediction is preset.action.prediction is Prediction.VELOCITY
    assert preset.action.bridge.kind is BridgeKind.GLOBAL
    assert preset.action.bridge.global_dim == 132
    assert not (preset.action.start_state or preset.action.text)
    assert preset.coupling.kind is CouplingKind.ONE_WAY
    sampler = preset.sampler
    assert (sampler.steps, sampler.guidance, sampler.solver) == (35, 7.0, Solver.AB2)
