"""The T5 encoder with random weights."""

import dataclasses
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vag_core.configuration import ConfigError
from vag_core.model.text import TextConfig, TextError
from vag_core.model.text.t5 import T5Text, check_t5


@pytest.fixture(scope='module')
def encoder(t5_config, t5_folder):
    return T5Text(t5_config, t5_folder)


@pytest.fixture
def copy(t5_folder, tmp_path):
    return shutil.copytree(t5_folder, tmp_path / 'cosmos')


def test_tokens_past_the_instruction_are_zero(encoder):
    tokens = encoder.encode(['pick up', 'pick up the red cube'])
    assert tokens.shape == (2, 12, 16)
    assert tokens.dtype == torch.float32
    for row, words in zip(tokens, (2, 5), strict=True):
        assert row[: words + 1].any(dim=1).all()  # the end-of-sentence token belongs to it
        assert not row[words + 1 :].any()


def test_padding_is_masked_inside_the_encoder(encoder):
    encoding = encoder._tokenizer.encode('pick up the cube')
    ids = torch.tensor([encoding.ids[: sum(encoding.attention_mask)]])
    with torch.inference_mode():
        unpadded = encoder._model(ids).last_hidden_state[0]
    padded = encoder.encode(['pick up the cube'])[0, : len(unpadded)]
    torch.testing.assert_close(padded, unpadded, atol=1e-6, rtol=1e-5)


def test_an_instruction_does_not_depend_on_its_batch(encoder):
    alone = encoder.encode(['pick up the red cube'])[0]
    among = encoder.encode(['open the drawer', 'pick up the red cube', ''])[1]
    assert torch.equal(alone, among)


def test_the_empty_instruction_is_all_zero(encoder):
    assert not encoder.encode(['', ' ']).any()


def test_a_long_instruction_is_cut(encoder):
    assert encoder.encode(['cube ' * 40])[0].any(dim=1).all()


def test_tokens_differ_between_instructions(encoder):
    one, other = encoder.encode(['pick up the cube', 'open the drawer'])
    assert (one - other).abs().max() > 1e-2


def test_bfloat16_is_near_float32(encoder, t5_config, t5_folder):
    half = T5Text(dataclasses.replace(t5_config, dtype='bfloat16'), t5_folder)
    one, other = (e.encode(['pick up the red cube']) for e in (half, encoder))
    assert 0 < (one - other).abs().max() < 0.05


def test_a_plain_folder_serves_as_well(encoder, copy, t5_config):
    for part in list(copy.iterdir()):
        for path in part.iterdir():
            path.rename(copy / path.name)
        part.rmdir()
    plain = T5Text(t5_config, copy)
    assert torch.equal(plain.encode(['open the drawer']), encoder.encode(['open the drawer']))


def test_half_precision_is_refused_because_it_overflows():
    with pytest.raises(ConfigError, match=r'dtype = float16: T5 v1\.0 overflows'):
        TextConfig(dtype='float16')


def test_a_folder_without_a_t5_is_refused(t5_config, tmp_path):
    with pytest.raises(TextError, match='no T5 encoder: expected text_encoder/ and tokenizer/'):
        T5Text(t5_config, tmp_path)


def test_missing_weights_are_named(copy, t5_config):
    path = copy / 'text_encoder' / 'model.safetensors'
    weights = load_file(path)
    del weights['encoder.block.1.layer.0.SelfAttention.q.weight']
    save_file(weights, path, {'format': 'pt'})
    with pytest.raises(TextError, match=r'missing: encoder\.block\.1\.layer\.0\.SelfAttention\.q'):
        T5Text(t5_config, copy)
    with pytest.raises(TextError, match=r'encoder\.block\.1.*SelfAttention\.q\.weight: missing'):
        check_t5(t5_config, copy)


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        ('model_type', 'bert', "model_type = 'bert'"),
        ('d_model', 32, 'd_model = 32: text.dim is 16'),
    ],
)
def test_another_model_is_refused(copy, t5_config, field, value, message):
    path = copy / 'text_encoder' / 'config.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(TextError, match=message):
        T5Text(t5_config, copy)


def test_a_t5_is_checked_without_being_loaded(encoder, t5_config, t5_folder):
    parameters, files = check_t5(t5_config, t5_folder)
    assert parameters == sum(p.numel() for p in encoder._model.parameters())
    assert {str(file.relative_to(t5_folder)) for file in files} == {
        'text_encoder/config.json',
        'text_encoder/model.safetensors',
        'tokenizer/tokenizer.json',
        'tokenizer/tokenizer_config.json',
    }


def test_weights_of_another_shape_are_named(copy, t5_config):
    path = copy / 'text_encoder' / 'model.safetensors'
    weights = load_file(path)
    weights['encoder.final_layer_norm.weight'] = torch.zeros(3)
    save_file(weights, path, {'format': 'pt'})
    with pytest.raises(
        TextError, match=r'final_layer_norm\.weight: shape \(3,\), expected \(16,\)'
    ):
        check_t5(t5_config, copy)


def test_pickled_weights_with_a_decoder_are_checked_too(copy, t5_config):
    path = copy / 'text_encoder' / 'model.safetensors'
    weights = load_file(path)
    path.unlink()
    weights['decoder.final_layer_norm.weight'] = torch.zeros(16)
    torch.save(weights, copy / 'text_encoder' / 'pytorch_model.bin')
    check_t5(t5_config, copy)


def test_the_tokenizer_s_own_normaliser_counts(encoder, copy, t5_config):
    """Whatever class its configuration names: here the tokenizer file folds the case."""
    path = copy / 'tokenizer' / 'tokenizer_config.json'
    path.write_text(json.dumps({'tokenizer_class': 'T5TokenizerFast'}))
    tokens = T5Text(t5_config, copy).encode(['PICK up the Red cube'])
    assert torch.equal(tokens, encoder.encode(['pick up the red cube']))


@pytest.mark.parametrize('damage', ['missing', 'broken', 'no padding'])
def test_a_folder_without_its_tokenizer_is_refused(copy, t5_config, damage):
    path = copy / 'tokenizer' / 'tokenizer.json'
    content = path.read_text()
    path.unlink()
    if damage != 'missing':
        path.write_text('{' if damage == 'broken' else content.replace('<pad>', '<other>'))
    with pytest.raises(TextError, match=r'tokenizer\.json: '):
        check_t5(t5_config, copy)
