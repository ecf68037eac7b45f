"""Weights outside a checkpoint."""

import shutil

import pytest

from vag_core.configuration import ConfigError
from vag_core.weights_reference import (
    FileIdentity,
    WeightsChangedError,
    WeightsReference,
    model_files,
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'model'
    folder.mkdir()
    for name in ('a.safetensors', 'b.safetensors', 'config.json', 'b.bin', 'README.md'):
        (folder / name).write_text(name)
    (folder / 'other').mkdir()
    return folder


@pytest.fixture
def reference(folder):
    return WeightsReference.of(folder, model_files(folder))


def test_of_a_folder_the_safetensors_and_their_configuration_count(folder):
    assert [p.name for p in model_files(folder)] == [
        'a.safetensors',
        'b.safetensors',
        'config.json',
    ]


def test_pickled_weights_count_where_there_are_no_others(folder):
    for path in folder.glob('*.safetensors'):
        path.unlink()
    assert [p.name for p in model_files(folder)] == ['b.bin', 'config.json']


def test_a_place_without_a_model_is_named(tmp_path):
    for place in (tmp_path, tmp_path / 'nowhere'):
        with pytest.raises(FileNotFoundError, match=f'{place}: no model files'):
            model_files(place)


def test_unchanged_files_pass(folder, reference):
    assert reference.check() == folder


def test_a_single_file_can_be_referred_to(folder):
    file = folder / 'a.safetensors'
    reference = WeightsReference.of(file, model_files(file))
    assert reference.check() == file
    file.write_text('another')
    with pytest.raises(WeightsChangedError, match=r'a\.safetensors: 7 bytes, expected 13'):
        reference.check()


def test_every_changed_or_missing_file_is_named(folder, reference):
    (folder / 'a.safetensors').write_text('x.safetensors')
    (folder / 'b.safetensors').unlink()
    with pytest.raises(WeightsChangedError) as error:
        reference.check()
    assert 'a.safetensors: SHA-256' in str(error.value)
    assert 'b.safetensors: missing' in str(error.value)
    assert 'config.json' not in str(error.value)


def test_the_digest_depends_on_the_content_and_not_on_the_place(folder, reference, tmp_path):
    copy = shutil.copytree(folder, tmp_path / 'copy')
    assert WeightsReference.of(copy, model_files(copy)).digest == reference.digest
    (copy / 'a.safetensors').write_text('x')
    assert WeightsReference.of(copy, model_files(copy)).digest != reference.digest


def test_a_relative_path_counts_from_the_checkpoint_s_folder(folder, reference, tmp_path):
    relative = WeightsReference(path='../model', files=reference.files)
    assert relative.below(tmp_path / 'checkpoint').check() == folder


def test_links_are_followed(folder, reference, tmp_path):
    linked = tmp_path / 'linked'
    linked.mkdir()
    for file in model_files(folder):
        (linked / file.name).symlink_to(file)
    assert WeightsReference.of(linked, model_files(linked)).files == reference.files


def test_a_reference_to_nothing_is_refused():
    with pytest.raises(ConfigError, match='at least one identity'):
        WeightsReference(path='model', files={})
    with pytest.raises(ConfigError, match='64 hexadecimal digits'):
        FileIdentity(size=1, sha256='abc')
