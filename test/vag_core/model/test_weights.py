"""Pretrained weights in every form that they come in."""

import dataclasses
import io
import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from vag_core.model.dit import Dit, DitConfig
from vag_core.model.weights import (
    WeightsError,
    diffusers_names,
    diffusers_options,
    load_transformer,
    read_config,
    read_transformer,
)

CONFIG = DitConfig(
    latent_channels=4,
    num_layers=2,
    num_attention_heads=2,
    attention_head_dim=12,
    text_embed_dim=10,
    adaln_lora_dim=6,
    max_size=(8, 8, 8),
    bfloat16_time=True,
)
# Diffusers' name of every kind of weight and the original's, written from a listing of both.
ORIGINAL = [
    ('patch_embed.proj', 'x_embedder.proj.1'),
    ('time_embed.t_embedder.linear_1', 't_embedder.1.linear_1'),
    ('time_embed.t_embedder.linear_2', 't_embedder.1.linear_2'),
    ('time_embed.norm', 't_embedding_norm'),
    ('norm_out.linear_1', 'final_layer.adaln_modulation.1'),
    ('norm_out.linear_2', 'final_layer.adaln_modulation.2'),
    ('proj_out', 'final_layer.linear'),
    ('norm1.linear_1', 'adaln_modulation_self_attn.1'),
    ('norm1.linear_2', 'adaln_modulation_self_attn.2'),
    ('norm2.linear_1', 'adaln_modulation_cross_attn.1'),
    ('norm2.linear_2', 'adaln_modulation_cross_attn.2'),
    ('norm3.linear_1', 'adaln_modulation_mlp.1'),
    ('norm3.linear_2', 'adaln_modulation_mlp.2'),
    ('ff.net.0.proj', 'mlp.layer1'),
    ('ff.net.2', 'mlp.layer2'),
    *(
        (f'{attn}.{ours}', f'{theirs}.{name}')
        for attn, theirs in (('attn1', 'self_attn'), ('attn2', 'cross_attn'))
        for ours, name in (
            ('to_q', 'q_proj'),
            ('to_k', 'k_proj'),
            ('to_v', 'v_proj'),
            ('to_out.0', 'output_proj'),
            ('norm_q', 'q_norm'),
            ('norm_k', 'k_norm'),
        )
    ),
]


def original_name(key):
    block = re.fullmatch(r'transformer_blocks\.(\d+)\.(.*)\.weight', key)
    stem = block[2] if block else key.removesuffix('.weight')
    name = dict(ORIGINAL)[stem]
    return f'net.blocks.{block[1]}.{name}.weight' if block else f'net.{name}.weight'


@pytest.fixture(scope='module')
def weights():
    torch.manual_seed(0)
    return Dit(CONFIG).state_dict()


@pytest.fixture(scope='module')
def reference(weights):
    diffusers = pytest.importorskip('diffusers')
    model = diffusers.CosmosTransformer3DModel(**diffusers_options(CONFIG))
    model.load_state_dict(weights)
    return model


@pytest.fixture
def original(weights):
    """The weights under the original names, with what lies beside them there."""
    return {
        **{original_name(key): value for key, value in weights.items()},
        'net.accum_iteration': torch.zeros(1),
        'net.accum_video_sample_counter': torch.zeros(1),
        'net.pos_embedder.seq': torch.arange(8.0),
        'net.pos_embedder.dim_spatial_range': torch.arange(4.0),
        'net.blocks.0.self_attn._extra_state': io.BytesIO(b'state'),
        'net.t_embedding_norm._extra_state': None,
    }


def assert_same(found, weights):
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[key], weights[key]) for key in weights)


@pytest.mark.parametrize('shard', ['10GB', '20KB'], ids=['one file', 'shards'])
@pytest.mark.parametrize('subfolder', ['', 'transformer'], ids=['transformer', 'model'])
def test_a_folder_that_diffusers_saved_is_read(reference, weights, tmp_path, shard, subfolder):
    reference.save_pretrained(tmp_path / subfolder, max_shard_size=shard)
    count = len(list((tmp_path / subfolder).glob('*.safetensors')))
    assert (count == 1) == (shard == '10GB')
    found, cfg = read_transformer(tmp_path)
    assert_same(found, weights)
    assert cfg == CONFIG


def test_the_original_file_is_read(original, weights, tmp_path):
    torch.save(original, tmp_path / 'model-480p-16fps.pt')
    found, cfg = read_transformer(tmp_path / 'model-480p-16fps.pt')
    assert_same(found, weights)
    assert cfg is None


@pytest.mark.parametrize('naming', ['diffusers', 'original', 'without prefix'])
def test_a_safetensors_file_is_read_in_either_naming(original, weights, tmp_path, naming):
    stored = {k: v for k, v in original.items() if isinstance(v, torch.Tensor)}
    if naming == 'diffusers':
        stored = weights
    if naming == 'without prefix':
        stored = {key.removeprefix('net.'): value for key, value in stored.items()}
    save_file(stored, tmp_path / 'weights.safetensors')
    assert_same(read_transformer(tmp_path / 'weights.safetensors')[0], weights)


def test_the_name_map_covers_every_weight(weights):
    kinds = {re.sub(r'^net\.(blocks\.\d+\.)?', '', original_name(key)) for key in weights}
    assert kinds == {f'{name}.weight' for _, name in ORIGINAL}
    assert diffusers_names({original_name(k): v for k, v in weights.items()}).keys() == set(
        weights
    )


def test_a_loaded_transformer_has_the_type_that_was_asked_for(weights, tmp_path):
    save_file(weights, tmp_path / 'weights.safetensors')
    network = load_transformer(tmp_path / 'weights.safetensors', CONFIG, dtype=torch.bfloat16)
    assert not network.training
    assert {p.dtype for p in network.parameters()} == {torch.bfloat16}
    key = 'proj_out.weight'
    assert torch.equal(network.state_dict()[key], weights[key].bfloat16())


def test_an_incomplete_checkpoint_is_refused_with_every_difference(reference, tmp_path):
    reference.save_pretrained(tmp_path)
    file = tmp_path / 'diffusion_pytorch_model.safetensors'
    stored = load_file(file)
    del stored['proj_out.weight']
    stored['patch_embed.proj.weight'] = torch.zeros(24, 20)
    stored['learnable_pos_embed.pos_emb_t'] = torch.zeros(8)
    save_file(stored, file)
    with pytest.raises(WeightsError) as error:
        read_transformer(tmp_path)
    message = str(error.value)
    assert str(tmp_path) in message
    assert 'proj_out.weight: missing' in message
    assert 'learnable_pos_embed.pos_emb_t: unexpected' in message
    assert 'patch_embed.proj.weight: shape (24, 20), expected (24, 24)' in message


def test_weights_of_another_size_are_refused(weights, tmp_path):
    save_file(weights, tmp_path / 'weights.safetensors')
    with pytest.raises(WeightsError, match=r'transformer_blocks\.2\.norm1\.linear_1'):
        load_transformer(tmp_path / 'weights.safetensors')


def test_a_missing_shard_is_named(reference, tmp_path):
    reference.save_pretrained(tmp_path, max_shard_size='20KB')
    lost = sorted(tmp_path.glob('*.safetensors'))[1]
    lost.unlink()
    with pytest.raises(WeightsError, match=f'{lost.name}: missing'):
        read_transformer(tmp_path)


@pytest.mark.parametrize('name', ['broken.safetensors', 'broken.pt', 'weights.bin'])
def test_a_file_that_is_none_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b'no weights at all')
    with pytest.raises(WeightsError, match=re.escape(name)):
        read_transformer(tmp_path / name)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return print, ('run',)

    torch.save({'proj_out.weight': Harmful()}, tmp_path / 'model.pt')
    with pytest.raises(WeightsError, match=r'model\.pt'):
        read_transformer(tmp_path / 'model.pt')


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(WeightsError, match='found no safetensors file'):
        read_transformer(tmp_path)
    with pytest.raises(WeightsError, match='nowhere: neither a file nor a folder'):
        read_transformer(tmp_path / 'nowhere')


PUBLISHED = {
    '_class_name': 'CosmosTransformer3DModel',
    'in_channels': 17,
    'out_channels': 16,
    'num_attention_heads': 16,
    'attention_head_dim': 128,
    'num_layers': 28,
    'mlp_ratio': 4.0,
    'text_embed_dim': 1024,
    'adaln_lora_dim': 256,
    'max_size': [128, 240, 240],
    'patch_size': [1, 2, 2],
    'rope_scale': [1.0, 3.0, 3.0],
    'concat_padding_mask': True,
    'extra_pos_embed_type': None,
}


def test_the_published_configuration_is_the_default(tmp_path):
    (tmp_path / 'config.json').write_text(json.dumps(PUBLISHED))
    assert read_config(tmp_path / 'config.json') == DitConfig(bfloat16_time=True)


@pytest.mark.parametrize('masks_given', [False, True])
def test_the_options_for_diffusers_describe_the_network_they_came_from(tmp_path, masks_given):
    cfg = dataclasses.replace(CONFIG, bfloat16_time=True)
    options = diffusers_options(cfg, masks_given=masks_given)
    (tmp_path / 'config.json').write_text(json.dumps(options))
    assert read_config(tmp_path / 'config.json') == cfg


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'_class_name': 'WanTransformer3DModel'}, '_class_name'),
        ({'extra_pos_embed_type': 'learnable'}, 'extra_pos_embed_type'),
        ({'in_channels': 16}, 'in_channels = 16'),
        ({'patch_size': [2, 2, 2]}, 'patch_size'),
    ],
)
def test_the_configuration_of_another_model_is_refused(tmp_path, change, message):
    (tmp_path / 'config.json').write_text(json.dumps({**PUBLISHED, **change}))
    with pytest.raises(WeightsError, match=message):
        read_config(tmp_path / 'config.json')


def test_a_configuration_that_lacks_a_field_is_refused(tmp_path):
    options = {key: value for key, value in PUBLISHED.items() if key != 'num_layers'}
    (tmp_path / 'config.json').write_text(json.dumps(options))
    with pytest.raises(WeightsError, match='num_layers is missing'):
        read_config(tmp_path / 'config.json')
