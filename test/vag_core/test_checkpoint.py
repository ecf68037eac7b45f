"""Checkpoint folders."""

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vag_core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from vag_core.configuration import ConfigError
from vag_core.embodiment import ActionSpace
from vag_core.generate import Request, generate
from vag_core.model.coupling import CouplingConfig, CouplingKind
from vag_core.model.latent_preview import matrix_shape
from vag_core.model.vag import Vag
from vag_core.weights_reference import WeightsChangedError, WeightsReference, model_files


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


def test_the_matrix_of_its_previews_is_stored_where_there_is_one(
    checkpoint, checkpoint_config, random_model, tmp_path
):
    assert checkpoint.preview is None
    matrix = torch.rand(matrix_shape(4))
    folder = save_checkpoint(
        tmp_path / 'seen', checkpoint_config, random_model, torch.float16, matrix
    )
    assert torch.equal(load_checkpoint(folder).preview, matrix)


def test_a_matrix_of_another_shape_is_named(copy):
    save_file({'matrix': torch.zeros(17, 3)}, copy / 'preview.safetensors')
    with pytest.raises(CheckpointError, match=r'matrix \(17, 3\), must hold matrix \(5, 48\)'):
        load_checkpoint(copy)


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
    monkeypatch.setattr('vag_core.checkpoint.save_file', lambda weights, path: 1 / 0)
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


def test_the_tokens_of_a_two_way_coupling_have_a_file_of_their_own(checkpoint_config, tmp_path):
    coupling = CouplingConfig(kind=CouplingKind.TWO_WAY, width=8)
    cfg = dataclasses.replace(
        checkpoint_config, model=dataclasses.replace(checkpoint_config.model, coupling=coupling)
    )
    model = Vag(cfg.model)
    torch.nn.init.normal_(model.coupling.proj.weight)
    loaded = load_checkpoint(save_checkpoint(tmp_path / 'coupled', cfg, model))
    assert (loaded.path / 'coupling.safetensors').is_file()
    assert torch.equal(loaded.model.coupling.proj.weight, model.coupling.proj.weight)


def test_a_start_state_needs_absolute_joint_positions(checkpoint_config):
    action = dataclasses.replace(checkpoint_config.model.action, start_state=True)
    delta = dataclasses.replace(
        checkpoint_config.embodiment, action_space=ActionSpace.END_EFFECTOR_DELTA
    )
    with pytest.raises(ConfigError, match='start_state = true: needs absolute joint positions'):
        dataclasses.replace(
            checkpoint_config,
            model=dataclasses.replace(checkpoint_config.model, action=action),
            embodiment=delta,
        )


def test_another_layout_is_refused(copy):
    path = copy / 'config.yaml'
    path.write_text(path.read_text().replace('schema_version: 1', 'schema_version: 2'))
    with pytest.raises(ConfigError, match='schema_version = 2: this release reads 1'):
        load_checkpoint(copy)


def test_an_unknown_name_says_where_it_looked():
    with pytest.raises(FileNotFoundError, match='checkpoints/nowhere'):
        load_checkpoint('nowhere')


def test_the_hash_is_that_of_the_files_as_they_were_loaded(copy, checkpoint):
    loaded = load_checkpoint(copy)
    (copy / 'config.yaml').write_text('changed')
    assert loaded.hash == checkpoint.hash


@pytest.fixture
def referring(checkpoint, checkpoint_config, random_model, tmp_path):
    """A checkpoint whose video stream and VAE lie in another folder."""
    outside = shutil.copytree(checkpoint.path, tmp_path / 'outside')
    weights = {}
    for part in ('video', 'vae'):
        file = outside / f'{part}.safetensors'
        weights[part] = WeightsReference.of(file, model_files(file))
    cfg = dataclasses.replace(checkpoint_config, weights=weights)
    return load_checkpoint(save_checkpoint(tmp_path / 'referring', cfg, random_model))


def test_weights_outside_are_not_copied_and_give_the_same_model(referring, checkpoint):
    assert {p.name for p in referring.path.iterdir()} == {'config.yaml', 'action.safetensors'}
    for name, value in referring.model.state_dict().items():
        assert torch.equal(value, checkpoint.model.state_dict()[name]), name


def test_changed_weights_outside_are_refused_by_name(referring, tmp_path):
    path = tmp_path / 'outside' / 'video.safetensors'
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsChangedError, match=r'outside/video\.safetensors: SHA-256'):
        load_checkpoint(referring.path)


def test_moved_weights_outside_are_refused_by_name(referring, tmp_path):
    (tmp_path / 'outside').rename(tmp_path / 'elsewhere')
    with pytest.raises(WeightsChangedError, match=r'outside/video\.safetensors: missing'):
        load_checkpoint(referring.path)


def test_weights_outside_may_be_named_relative_to_the_checkpoint(referring, tmp_path):
    path = referring.path / 'config.yaml'
    path.write_text(path.read_text().replace(str(tmp_path), '..'))
    both = tmp_path / 'both'
    for name in ('outside', 'referring'):
        shutil.move(tmp_path / name, both / name)
    moved = load_checkpoint(both / 'referring')
    assert moved.config.weights['video'].path == str(both / 'outside' / 'video.safetensors')


def test_an_unknown_part_outside_is_refused(referring):
    with pytest.raises(ConfigError, match="weights: 'action': allowed are video, vae, text"):
        dataclasses.replace(
            referring.config, weights={'action': referring.config.weights['video']}
        )


@pytest.fixture
def untrained(checkpoint_config, random_model, tmp_path):
    cfg = dataclasses.replace(checkpoint_config, evaluation='untrained', action_seed=5)
    return load_checkpoint(save_checkpoint(tmp_path / 'untrained', cfg, random_model))


def test_an_untrained_action_stream_is_drawn_from_its_seed(untrained, random_model):
    assert not (untrained.path / 'action.safetensors').exists()
    torch.rand(3)
    again = load_checkpoint(untrained.path).model.action.state_dict()
    different = 0
    for name, value in untrained.model.action.state_dict().items():
        assert torch.equal(value, again[name])
        different += not torch.equal(value, random_model.action.state_dict()[name])
    assert different


def test_drawing_leaves_the_callers_random_numbers_alone(untrained):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_checkpoint(untrained.path)
    assert torch.equal(torch.rand(3), expected)


def test_untrained_weights_can_not_be_called_anything_else(untrained):
    with pytest.raises(ConfigError, match="evaluation = 'good': with action_seed"):
        dataclasses.replace(untrained.config, evaluation='good')


def test_the_dtype_is_that_of_the_video_stream(checkpoint):
    half = load_checkpoint(checkpoint.path, dtype=torch.bfloat16)
    assert {p.dtype for p in half.model.video.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in half.model.action.parameters()} == {torch.float32}
    assert half.dtype is torch.bfloat16
    request = Request(np.zeros((8, 8, 3), np.uint8), 'pick', 1)
    one, other = (generate(c, [request])[0].actions for c in (half, checkpoint))
    assert 0 < np.abs(one - other).max() < 0.1


ACTIONS = """
import sys, hashlib, numpy, torch
from vag_core.checkpoint import load_checkpoint
from vag_core.generate import Request, generate
torch.set_num_threads(1)
image = numpy.arange(8 * 8 * 3, dtype=numpy.uint8).reshape(8, 8, 3)
made = generate(load_checkpoint(sys.argv[1]), [Request(image, 'pick', 7)])[0]
print(hashlib.sha256(made.actions.tobytes()).hexdigest())
"""


def test_a_copy_gives_bit_equal_actions_in_a_new_process(checkpoint, copy):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    image = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    made = generate(checkpoint, [Request(image, 'pick', 7)])[0]
    torch.set_num_threads(threads)
    other = subprocess.run(
        [sys.executable, '-c', ACTIONS, str(copy)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    ).stdout.strip()
    assert other == hashlib.sha256(made.actions.tobytes()).hexdigest()
