"""A checkpoint from pretrained weights."""

import argparse
import dataclasses
import json

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tiny_t5 import write_t5

from vag_core.checkpoint import CheckpointError, load_checkpoint, read_part
from vag_core.cli import init
from vag_core.configuration import to_mapping
from vag_core.embodiment import load_embodiment
from vag_core.generate import Request, generate
from vag_core.initialise import Meaning, Sources, initialise
from vag_core.model.dit import Dit
from vag_core.model.text import TextConfig, TextError, TextKind
from vag_core.model.vae import VaeConfig, VaeKind, WanConfig
from vag_core.model.video import VideoConfig
from vag_core.robot import load_profile
from vag_core.weights_reference import WeightsChangedError

IMAGE = np.zeros((8, 8, 3), np.uint8)
WEIGHTS = 'diffusion_pytorch_model.safetensors'


@pytest.fixture
def model(recipe):
    text = TextConfig(kind=TextKind.T5, dim=8, length=6, dtype='float32')
    return dataclasses.replace(recipe.model, text=text)


@pytest.fixture
def cosmos(random_model, tmp_path):
    """The layout of Cosmos-Predict2 with the random weights of a small model."""
    folder = write_t5(tmp_path / 'cosmos', width=8)
    network = random_model.video.network
    for name, part in (('transformer', network), ('vae', random_model.vae)):
        (folder / name).mkdir()
        save_file(part.state_dict(), folder / name / WEIGHTS)
    describe(folder / 'transformer', network.cfg)
    return folder


def describe(folder, cfg):
    """Write the transformer's config.json as diffusers has it."""
    described = {
        '_class_name': 'CosmosTransformer3DModel',
        'in_channels': cfg.latent_channels + 1,
        'out_channels': cfg.latent_channels,
        'concat_padding_mask': True,
        **{
            name: getattr(cfg, name)
            for name in (
                'num_layers',
                'num_attention_heads',
                'attention_head_dim',
                'mlp_ratio',
                'text_embed_dim',
                'adaln_lora_dim',
                'patch_size',
                'max_size',
                'rope_scale',
            )
        },
    }
    (folder / 'config.json').write_text(json.dumps(described))


@pytest.fixture
def meaning():
    profile = load_profile('agilex')
    return Meaning(profile.as_embodiment(), profile.camera.key, dtype='float32', seed=4)


def test_pretrained_parts_are_referred_to_and_the_action_stream_is_drawn(
    model, cosmos, meaning, random_model, tmp_path
):
    lines = []
    initialise(tmp_path / 'new', model, Sources.of_cosmos(cosmos), meaning, lines.append)
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['config.yaml']
    made = load_checkpoint(tmp_path / 'new', text_cache=tmp_path / 'cache')
    assert made.evaluation == 'untrained'
    assert made.config.action_seed == 4
    for part in ('video', 'vae'):
        expected = getattr(random_model, part).state_dict()
        for name, value in getattr(made.model, part).state_dict().items():
            assert torch.equal(value, expected[name]), name
    episode = generate(made, [Request(IMAGE, 'pick up the red cube', 1)])[0]
    assert np.isfinite(episode.actions).all()
    assert [line.split(':')[0] for line in lines] == ['video', 'vae', 'text', 'action']
    assert 'every key fits; 2 files' in lines[0]


def test_the_action_dimension_becomes_the_embodiment_s(model, cosmos, meaning, tmp_path):
    lines = []
    libero = dataclasses.replace(meaning, embodiment=load_embodiment('libero'))
    initialise(tmp_path / 'new', model, Sources.of_cosmos(cosmos), libero, lines.append)
    assert lines[0] == 'action.dimension: 14 -> 7, of the embodiment'
    made = load_checkpoint(tmp_path / 'new', text_cache=tmp_path / 'cache')
    assert generate(made, [Request(IMAGE, 'pick', 1)])[0].actions.shape == (9, 7)


def test_with_cached_text_the_encoder_s_weights_may_be_gone(model, cosmos, meaning, tmp_path):
    initialise(tmp_path / 'new', model, Sources.of_cosmos(cosmos), meaning)
    made = load_checkpoint(tmp_path / 'new', text_cache=tmp_path / 'cache')
    made.model.encode_text(['pick'])
    (cosmos / 'text_encoder' / 'model.safetensors').unlink()
    made.model.encode_text(['pick'])
    with pytest.raises(WeightsChangedError, match=r'text_encoder/model\.safetensors: missing'):
        made.model.encode_text(['open'])


def test_keys_that_do_not_fit_are_all_named(model, cosmos, meaning, tmp_path):
    path = cosmos / 'transformer' / WEIGHTS
    weights = load_file(path)
    del weights['proj_out.weight']
    weights['surplus'] = torch.zeros(1)
    save_file(weights, path)
    with pytest.raises(CheckpointError) as error:
        initialise(tmp_path / 'new', model, Sources.of_cosmos(cosmos), meaning)
    assert 'proj_out.weight: missing' in str(error.value)
    assert 'surplus: unexpected' in str(error.value)
    assert not (tmp_path / 'new').exists()


def test_options_that_no_key_shows_are_compared_too(model, cosmos, meaning, tmp_path):
    path = cosmos / 'transformer' / 'config.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'rope_scale': [1.0, 2.0, 2.0]}))
    with pytest.raises(CheckpointError, match=r'rope_scale = \(1\.0, 2\.0, 2\.0\), the model has'):
        initialise(tmp_path / 'new', model, Sources.of_cosmos(cosmos), meaning)


def test_a_text_encoder_of_another_size_is_refused(model, cosmos, meaning, tmp_path):
    sources = dataclasses.replace(
        Sources.of_cosmos(cosmos), text=write_t5(tmp_path / 'other', width=16)
    )
    with pytest.raises(TextError, match=r'd_model = 16: text\.dim is 8'):
        initialise(tmp_path / 'new', model, sources, meaning)


def test_an_existing_folder_is_left_alone(model, cosmos, meaning, tmp_path):
    with pytest.raises(FileExistsError, match='exists already'):
        initialise(cosmos, model, Sources.of_cosmos(cosmos), meaning)


def test_cosmos_in_small_runs_in_bfloat16_from_its_own_layout(model, meaning, tmp_path):
    from diffusers import AutoencoderKLWan

    wan = WanConfig(base_dim=4, dim_mult=(1, 1, 2, 2), num_res_blocks=1)
    network = dataclasses.replace(model.video.network, latent_channels=16)
    network = dataclasses.replace(network, first_frame_embedding=False, bfloat16_time=True)
    model = dataclasses.replace(
        model,
        vae=VaeConfig(kind=VaeKind.WAN, wan=wan),
        video=VideoConfig(network=network),
        sampler=dataclasses.replace(model.sampler, guidance=7.0),
    )
    cosmos = write_t5(tmp_path / 'cosmos', width=8)
    torch.manual_seed(0)
    (cosmos / 'transformer').mkdir()
    weights = {k: v.bfloat16() for k, v in Dit(network).state_dict().items()}
    save_file(weights, cosmos / 'transformer' / WEIGHTS)
    describe(cosmos / 'transformer', network)
    AutoencoderKLWan(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 2, 2], num_res_blocks=1
    ).save_pretrained(cosmos / 'vae')
    meaning = dataclasses.replace(meaning, dtype='bfloat16')
    initialise(tmp_path / 'new', model, Sources.of_cosmos(cosmos), meaning)
    made = load_checkpoint(tmp_path / 'new', text_cache=tmp_path / 'cache')
    for part, dtype in (('video', 'bfloat16'), ('vae', 'bfloat16'), ('action', 'float32')):
        found = {p.dtype for p in getattr(made.model, part).parameters()}
        assert found == {getattr(torch, dtype)}, part
    episode = generate(made, [Request(IMAGE, 'pick up the red cube', 1)])[0]
    assert episode.video.shape == (9, 32, 48, 3)
    assert np.isfinite(episode.actions).all()


def test_the_vae_can_come_from_the_folder_of_another_whole_model(model, cosmos, meaning, tmp_path):
    (cosmos / 'vae').rename(tmp_path / 'vae')
    (tmp_path / 'transformer').mkdir()
    sources = dataclasses.replace(Sources.of_cosmos(cosmos), vae=tmp_path)
    cfg = initialise(tmp_path / 'new', model, sources, meaning)
    assert cfg.weights['vae'].path == str(tmp_path / 'vae')


def test_reading_a_part_for_the_check_leaves_its_type(cosmos, random_model):
    weights = read_part('vae', random_model.vae, cosmos / 'vae')
    assert {value.dtype for value in weights.values()} == {torch.float32}


@pytest.fixture
def vag(model, cosmos, tmp_path):
    """Run the verb on the small model."""
    config = tmp_path / 'model.yaml'
    config.write_text(yaml.safe_dump({'model': to_mapping(model)}))

    def run(*flags):
        parser = argparse.ArgumentParser()
        init.add_arguments(parser)
        fixed = ['--config', config, '--cosmos', cosmos, '--out', tmp_path / 'new']
        return init.run(parser.parse_args([str(flag) for flag in [*fixed, *flags]]))

    return run


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('agilex', (14, 'cam_high')), ('libero', (7, 'head')), ('agibot', (16, 'head'))],
)
def test_the_verb_knows_robots_and_embodiments(vag, tmp_path, capsys, name, expected):
    assert vag('--embodiment', name) == 0
    made = load_checkpoint(tmp_path / 'new')
    assert (made.embodiment.dimension, made.camera) == expected
    assert made.model.cfg.action.dimension == made.embodiment.dimension
    assert made.dtype is torch.bfloat16
    printed = capsys.readouterr().out
    for part in ('video:', 'vae:', 'text:', 'action:', 'untrained', 'normaliser'):
        assert part in printed


def test_parts_can_come_from_other_places(vag, cosmos, tmp_path):
    file = (cosmos / 'transformer' / WEIGHTS).rename(tmp_path / 'model-480p-16fps.safetensors')
    assert vag('--embodiment', 'agilex', '--video', file) == 0
    reference = load_checkpoint(tmp_path / 'new').config.weights['video']
    assert reference.path == str(file)


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--embodiment', 'nowhere'], "--embodiment = 'nowhere': known are agibot, agilex"),
        (['--embodiment', 'agilex', '--cosmos', '/nowhere'], '/nowhere/transformer'),
        (['--embodiment', 'agilex', '--config', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--embodiment', 'agilex', '--fps', '0'], 'fps = 0'),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(vag, tmp_path, capsys, flags, message):
    assert vag(*flags) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()
