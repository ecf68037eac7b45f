"""Folders of readers, and reading a video frame by frame."""

import dataclasses

import numpy as np
import pytest
import torch

from vag_core.baselines.reader import ReaderConfig, load_reader, save_reader
from vag_core.checkpoint import CheckpointError
from vag_core.configuration import ConfigError, load, to_mapping


@pytest.fixture
def video():
    return np.random.default_rng(0).integers(256, size=(5, 32, 48, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path, reader_config, network):
    return save_reader(tmp_path / 'mine', reader_config, network)


def test_a_folder_gives_back_what_was_saved(folder, reader_config, network):
    found = load_reader(folder)
    assert found.name == 'mine'
    assert found.config == reader_config
    stored = found.network.state_dict()
    for name, value in network.state_dict().items():
        expected = value.half().float() if value.is_floating_point() else value
        torch.testing.assert_close(stored[name], expected, rtol=0, atol=0)


def test_it_reads_one_action_in_units_from_each_frame(folder, video, network):
    actions = load_reader(folder).read(video)
    assert actions.shape == (5, 14)
    assert actions.dtype == np.float32
    network.half().float()
    alone = np.concatenate([load_reader(folder).read(video[k : k + 1]) for k in range(5)])
    np.testing.assert_allclose(actions, alone, atol=1e-6)
    normalised = (actions - 0.1) / 0.5
    pixels = torch.from_numpy(video).movedim(-1, 1) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = network((pixels - mean[:, None, None]) / std[:, None, None])
    np.testing.assert_allclose(normalised, expected, atol=1e-5)


def test_it_reads_frames_of_another_size(folder, video):
    larger = video.repeat(2, axis=1).repeat(2, axis=2)
    reader = load_reader(folder)
    np.testing.assert_allclose(reader.read(larger), reader.read(video), atol=1e-6)


@pytest.mark.parametrize('shape', [(32, 48, 3), (0, 32, 48, 3), (2, 32, 48)])
def test_what_is_no_video_is_refused(folder, shape):
    with pytest.raises(ValueError, match='expected'):
        load_reader(folder).read(np.zeros(shape, np.uint8))


def test_a_folder_is_never_overwritten(folder, reader_config, network):
    with pytest.raises(FileExistsError, match='exists already'):
        save_reader(folder, reader_config, network)


def test_weights_of_another_size_are_refused_by_name(folder, reader_config):
    text = (folder / 'config.yaml').read_text()
    (folder / 'config.yaml').write_text(text.replace('[4, 8]', '[4, 16]'))
    with pytest.raises(CheckpointError, match=r'layer2\.0\.conv1\.weight'):
        load_reader(folder)


def test_a_configuration_whose_dimensions_disagree_is_refused(reader_config):
    mapping = to_mapping(reader_config)
    mapping['normaliser'] = {'mean': [0.0], 'std': [1.0]}
    with pytest.raises(ConfigError, match='normaliser: 1 dimensions, embodiment has 14'):
        load(ReaderConfig, mapping)


def test_a_configuration_survives_its_file(reader_config):
    assert load(ReaderConfig, to_mapping(reader_config)) == reader_config
    other = dataclasses.replace(reader_config, evaluation='validated')
    assert load(ReaderConfig, to_mapping(other)) != reader_config
