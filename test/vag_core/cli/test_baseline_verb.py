"""``vag baseline`` from the command line."""

import argparse
import json

import numpy as np
import pytest

from vag_core import images, resources
from vag_core.baselines.reader import load_reader
from vag_core.baselines.recipe import ReaderRecipe
from vag_core.cli import baseline as verb
from vag_core.configuration import load
from vag_core.episode import Episode, save_episode
from vag_core.robot import load_profile

SMALL = {
    'model': {
        'network': {
            'kind': 'resnet',
            'trunk': {'widths': [4, 8], 'depths': [1, 1], 'strides': [1, 2]},
        },
        'height': 32,
        'width': 48,
    },
    'training': {
        'stage': {'steps': 3, 'batch': 2, 'learning_rate': 1e-3},
        'evaluation': 'smoke-trained',
        'log_every': 0,
    },
}


def run(*arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def small(tmp_path):
    path = tmp_path / 'small.yaml'
    path.write_text(json.dumps(SMALL))
    return path


@pytest.fixture
def episode(tmp_path):
    generator = np.random.default_rng(0)
    return save_episode(
        Episode(
            'a',
            'push',
            10.0,
            load_profile('sim').as_embodiment(),
            generator.normal(size=(5, 14)).astype(np.float32),
            {'cam_high': generator.integers(256, size=(5, 32, 48, 3), dtype=np.uint8)},
        ),
        tmp_path / 'data' / 'a',
    )


def test_it_trains_a_reader_and_reads_a_video_with_it(small, episode, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('train', '--kind', 'resnet', '--config', small, '--data', episode.parent,
               '--out', out) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert 'smoke-trained' in printed
    assert 'dimensions in rad: mean error' in printed
    actions = tmp_path / 'actions.npy'
    video = episode / 'video_cam_high.mp4'
    read = ('read', '--reader', out / 'reader', '--video', video, '--out', actions)
    assert run(*read) == 0
    assert '5 actions of agilex_14, read by reader (smoke-trained)' in capsys.readouterr().out
    expected = load_reader(out / 'reader').read(images.read_mp4(video))
    np.testing.assert_array_equal(np.load(actions), expected)
    assert run(*read) == 2
    assert 'exists already' in capsys.readouterr().err


def test_a_configuration_of_another_kind_is_refused(episode, tmp_path, capsys):
    path = tmp_path / 'other.yaml'
    path.write_text(json.dumps({**SMALL, 'model': {'network': {'kind': 'vit'}}}))
    status = run('train', '--kind', 'resnet', '--config', path, '--data', episode.parent,
                 '--out', tmp_path / 'out')  # fmt: skip
    assert status == 1
    assert 'model.network' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_video_that_is_none_is_refused(tmp_path, capsys):
    video = tmp_path / 'v.mp4'
    video.write_text('no video')
    assert run('read', '--reader', tmp_path, '--video', video, '--out', tmp_path / 'a.npy') == 1
    assert 'no readable video' in capsys.readouterr().err


@pytest.mark.parametrize('kind', verb.KINDS)
def test_a_shipped_configuration_is_whole(kind):
    recipe = load(ReaderRecipe, resources.find(f'config/baselines/{kind}.yaml'))
    assert recipe.model.network.kind == kind
    assert (recipe.model.height, recipe.model.width) == (96, 128)
