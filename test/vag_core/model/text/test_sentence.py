"""The sentence encoder with its real weights."""

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.text import TextConfig, TextError, TextKind, make_text, sentence

CONFIG = TextConfig(kind=TextKind.SENTENCE, dim=384, length=16)


@pytest.fixture(scope='module')
def encoder():
    return make_text(CONFIG)


def test_tokens_are_those_of_the_last_layer(encoder):
    tokens = encoder.encode(['pick up the red cube', 'open'])
    assert tokens.shape == (2, 16, 384)
    assert tokens.dtype == torch.float32
    assert tokens[0, :7].any(dim=1).all()  # five words between [CLS] and [SEP]
    assert not tokens[0, 7:].any()
    assert not tokens[1, 3:].any()


def test_the_empty_instruction_is_all_zero(encoder):
    assert not encoder.encode(['']).any()


def test_an_instruction_does_not_depend_on_its_batch(encoder):
    alone = encoder.encode(['open the drawer'])[0]
    assert torch.equal(encoder.encode(['pick up the cube', 'open the drawer'])[1], alone)


def test_sentences_of_like_meaning_lie_near_each_other(encoder):
    means = encoder.encode(['grasp the red block', 'pick up the red cube', 'it rains in Bergen'])
    grasp, pick, rain = (row[row.any(dim=1)].mean(dim=0) for row in means)
    similarity = torch.nn.functional.cosine_similarity
    assert similarity(grasp, pick, dim=0) > similarity(grasp, rain, dim=0) + 0.3


def test_other_weights_are_refused_by_name(monkeypatch):
    sentence.package_folder.cache_clear()
    monkeypatch.setattr(sentence, 'SHA256', '0' * 64)
    try:
        with pytest.raises(
            TextError, match=r'model\.safetensors: SHA-256 53aa51.*published is 00'
        ):
            make_text(CONFIG).encode(['pick'])
    finally:
        sentence.package_folder.cache_clear()


def test_sizes_that_it_does_not_have_are_refused():
    with pytest.raises(ConfigError, match='dim = 64: the sentence encoder has 384'):
        TextConfig(kind=TextKind.SENTENCE, dim=64)
    with pytest.raises(ConfigError, match='length = 513'):
        TextConfig(kind=TextKind.SENTENCE, dim=384, length=513)


def test_a_t5_without_weights_says_who_names_them():
    encoder = make_text(TextConfig(kind=TextKind.T5))
    assert not encoder.encode(['']).any()
    with pytest.raises(TextError, match=r"weights\.text.*'pick'"):
        encoder.encode(['pick'])
