"""The text encoder that needs no weights."""

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.text import TextConfig
from vag_core.model.text.words import HashedWords

ENCODER = HashedWords(TextConfig(dim=12, length=5))
# The word 'cube' as torch's CPU generator draws it from its hash.
GOLDEN = [-0.179644, 0.603693, 0.669468]


def test_tokens_past_the_instruction_are_zero():
    tokens = ENCODER.encode(['pick up', 'lift the red cube now'])
    assert tokens.shape == (2, 5, 12)
    assert tokens[0, :2].any(dim=1).all()
    assert not tokens[0, 2:].any()
    assert tokens[1].any(dim=1).all()


def test_the_empty_instruction_is_all_zero():
    assert not ENCODER.encode(['']).any()


def test_the_same_words_have_the_same_vectors_in_every_process():
    first = ENCODER.encode(['cube'])[0, 0]
    torch.testing.assert_close(
        first[:3], torch.tensor(GOLDEN), rtol=0, atol=1e-6, msg=lambda m: f'{first[:3]}\n{m}'
    )


def test_case_and_punctuation_do_not_matter():
    one, other = ENCODER.encode(['Pick up, the cube!', 'pick up the cube'])
    assert torch.equal(one, other)


def test_order_matters_to_the_bag_of_tokens():
    one, other = ENCODER.encode(['red on blue', 'blue on red'])
    assert not torch.allclose(one.sum(0), other.sum(0))


def test_words_past_the_length_are_cut():
    one, other = ENCODER.encode(['a b c d e', 'a b c d e f'])
    assert torch.equal(one, other)


def test_an_empty_size_is_refused():
    with pytest.raises(ConfigError, match='length = 0'):
        TextConfig(length=0)
