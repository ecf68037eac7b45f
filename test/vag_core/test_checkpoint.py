"""Checkpoint folders."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vag_core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from vag_core.configuration import ConfigError
from vag_core.generate import Request, generate


@pytest.fixture
def copy(checkpoint, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(checkpoint.path, tmp_path / 'copy')


def test_weights_and_configuration_survive(checkpoint, checkpoint_config, random_model):
    assert checkpoint.config == checkpoint_config
    expected = random_model.state_dict()
    assert expected.keys() == checkpoint.model.state_dict().keys()
    for name, value in checkpoint.model.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_the_checkpoint_answers_what_a_node_asks(checkpoint):
    assert checkpoint.name == 'random'
    assert checkpoint.frames == 9
    assert checkpoint.fps == 10.0
    assert checkpoint.camera == 'cam_high'
    assert checkpoint.embodiment.name == 'agilex_14'
    assert checkpoint.evaluation == 'random weights'
    assert not checkpoint.model.training


def test_the_video_part_has_diffusers_names(checkpoint):
    names = load_file(checkpoint.path / 'video.safetensors').keys()
    assert 'patch_embed.proj.weight' in names
    assert 'transformer_blocks.0.norm1.linear_1.weight' in names


def test_the_hash_does_not_depend_on_the_place(checkpoint, copy):
    assert load_checkpoint(copy).hash == checkpoint.hash
    assert len(checkpoint.hash) == 64


def test_the_hash_changes_with_any_byte(checkpoint, copy):
    path = copy / 'config.yaml'
    path.write_text(path.read_text().replace('random weights', 'random weighty'))
    assert load_checkpoint(copy).hash != checkpoint.hash


def test_half_precision_halves_the_file_and_loads_as_float32(
    checkpoint, checkpoint_config, random_model, tmp_path
):
    half = save_checkpoint(tmp_path / 'half', checkpoint_config, random_model, torch.float16)
    sizes = [(p / 'vae.safetensors').stat().st_size for p in (half, checkpoint.path)]
    assert sizes[0] < 0.65 * sizes[1]
    loaded = load_checkpoint(half)
    assert {v.dtype for v in loaded.model.state_dict().values()} == {torch.float32}
    request = Request(np.zeros((8, 8, 3), np.uint8), 'pick', 1)
    one, other = (generate(c, [request])[0].actions for c in (loaded, checkpoint))
    np.testing.assert_allclose(one, other, atol=0.02)


def test_an_existing_folder_is_not_overwritten(checkpoint, checkpoint_config, random_model):
    before = checkpoint.hash
    with pytest.raises(FileExistsError, match='nothing was written'):
        save_checkpoint(checkpoint.path, checkpoint_config, random_model)
    assert load_checkpoint(checkpoint.path).hash == before


def test_a_failed_save_leaves_nothing(checkpoint_config, random_model, tmp_path, monkeypatch):
    monkeypatch.setattr('vag_core.checkpoint.save', lambda weights: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_checkpoint(tmp_path / 'new', checkpoint_config, random_model)
    assert list(tmp_path.iterdir()) == []


def test_wrong_weights_are_all_listed(copy):
    path = copy / 'action.safetensors'
    weights = load_file(path)
    del weights['bridge.proj.bias']
    weights['surplus'] = torch.zeros(1)
    weights['bridge.proj.weight'] = torch.zeros(2, 3)
    save_file(weights, path)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(copy)
    message = str(error.value)
    assert 'action.safetensors' in message
    assert 'bridge.proj.bias: missing' in message
    assert 'surplus: unexpected' in message
    assert 'bridge.proj.weight: shape (2, 3), expected (8, 24)' in message


def test_a_missing_weights_file_is_named(copy):
    (copy / 'vae.safetensors').unlink()
    with pytest.raises(CheckpointError, match=r'vae\.safetensors: missing'):
        load_checkpoint(copy)


def test_a_configuration_of_other_dimensions_is_refused(copy):
    path = copy / 'config.yaml'
    path.write_text(path.read_text().replace('dimension: 14', 'dimension: 7'))
    with pytest.raises(ConfigError, match=r'embodiment: 14 dimensions, model\.action has 7'):
        load_checkpoint(copy)


def test_another_layout_is_refused(copy):
    path = copy / 'config.yaml'
    path.write_text(path.read_text().replace('schema_version: 1', 'schema_version: 2'))
    with pytest.raises(ConfigError, match='schema_version = 2: this release reads 1'):
        load_checkpoint(copy)


def test_an_unknown_name_says_where_it_looked():
    with pytest.raises(FileNotFoundError, match='checkpoints/nowhere'):
        load_checkpoint('nowhere')
