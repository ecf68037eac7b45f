"""Text tokens on disk."""

import dataclasses
import multiprocessing

import pytest
import torch

from vag_core.model.text import TextConfig
from vag_core.model.text.cache import CachedText, default_folder
from vag_core.model.text.words import HashedWords

CONFIG = TextConfig(dim=12, length=5)
SENTENCES = ['pick up the cube', 'open the drawer']


def never():
    raise AssertionError('the encoder was loaded')


@pytest.fixture
def filled(tmp_path):
    """A cache that holds two sentences."""
    cached = CachedText(CONFIG, 'words', lambda: HashedWords(CONFIG), tmp_path)
    cached.encode(SENTENCES)
    return cached


def test_tokens_are_the_encoder_s_rounded_to_their_dtype(filled):
    expected = HashedWords(CONFIG).encode(SENTENCES)
    tokens = filled.encode(SENTENCES)
    assert tokens.dtype == torch.float32
    assert torch.equal(tokens, expected.bfloat16().float())


def test_the_first_answer_equals_the_later_ones(tmp_path):
    cached = CachedText(CONFIG, 'words', lambda: HashedWords(CONFIG), tmp_path)
    assert torch.equal(cached.encode(SENTENCES), cached.encode(SENTENCES))


def test_with_a_full_cache_the_encoder_is_never_loaded(filled):
    again = CachedText(CONFIG, 'words', never, filled.folder)
    assert torch.equal(again.encode(SENTENCES[::-1]), filled.encode(SENTENCES).flip(0))


def test_the_empty_instruction_needs_no_encoder(tmp_path):
    assert not CachedText(CONFIG, 'words', never, tmp_path).encode(['', ' ']).any()


def test_the_encoder_is_loaded_once_for_all_that_is_new(filled):
    loads = []

    def load():
        loads.append(1)
        return HashedWords(CONFIG)

    CachedText(CONFIG, 'words', load, filled.folder).encode([*SENTENCES, 'lift', 'lift', 'push'])
    assert len(loads) == 1
    assert len(list(filled.folder.glob('*.safetensors'))) == 4


@pytest.mark.parametrize('change', [{'dtype': 'float32'}, {'length': 4}])
def test_another_dtype_or_length_is_another_entry(filled, change):
    other = CachedText(dataclasses.replace(CONFIG, **change), 'words', never, filled.folder)
    with pytest.raises(AssertionError, match='was loaded'):
        other.encode(SENTENCES)


def test_another_encoder_is_another_entry(filled):
    with pytest.raises(AssertionError, match='was loaded'):
        CachedText(CONFIG, 'other words', never, filled.folder).encode(SENTENCES)


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: b'',
        lambda content: content[:-7],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b'x' * len(content),
    ],
    ids=['empty', 'cut', 'bit flipped', 'overwritten'],
)
def test_a_damaged_entry_is_made_again(filled, damage):
    expected = filled.encode(SENTENCES)
    path = filled.path(SENTENCES[0])
    path.write_bytes(damage(path.read_bytes()))
    assert torch.equal(filled.encode(SENTENCES), expected)
    again = CachedText(CONFIG, 'words', never, filled.folder)
    assert torch.equal(again.encode(SENTENCES), expected)


def test_a_failing_encoder_leaves_no_entry(tmp_path):
    cached = CachedText(CONFIG, 'words', never, tmp_path)
    with pytest.raises(AssertionError):
        cached.encode(['pick'])
    assert not list(tmp_path.glob('*safetensors*'))


def _encode(folder, loads):
    def load():
        with loads.get_lock():
            loads.value += 1
        return HashedWords(CONFIG)

    CachedText(CONFIG, 'words', load, folder).encode(SENTENCES)


def test_processes_that_share_a_folder_load_the_encoder_once(tmp_path):
    context = multiprocessing.get_context('fork')
    loads = context.Value('i', 0)
    workers = [context.Process(target=_encode, args=(tmp_path, loads)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert loads.value == 1


def test_the_folder_lies_in_the_user_s_cache(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert default_folder() == tmp_path / 'vag' / 'text'
    assert CachedText(CONFIG, 'words', never).folder == default_folder()
