"""``vag train`` from the command line."""

import argparse

import numpy as np
import pytest
import yaml

from vag_core import resources
from vag_core.cli import train as verb
from vag_core.configuration import load, read_yaml
from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, save_episode
from vag_core.train.recipe import Recipe


def run(*arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def episodes(tmp_path):
    """Two episodes of an embodiment without radians or metres."""
    names = tuple(f'dimension_{k}' for k in range(14))
    embodiment = Embodiment(name='raw_14', dimensions=names, units=('raw',) * 14)
    generator = np.random.default_rng(0)
    for name in ('a', 'b'):
        actions = generator.normal(size=(9, 14)).astype(np.float32)
        video = {'cam_high': generator.integers(256, size=(9, 32, 48, 3), dtype=np.uint8)}
        episode = Episode(name, 'push', 10.0, embodiment, actions, video)
        save_episode(episode, tmp_path / 'data' / name)
    return tmp_path / 'data'


def test_it_trains_and_prints_the_figures_in_the_data_s_units(episodes, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('--config', 'config/models/test.yaml', '--data', episodes, '--out', out) == 0
    printed = capsys.readouterr().out
    assert 'smoke-trained, not evaluated' in printed
    assert 'raw/s^2' in printed
    assert 'action stream: 4 of 4 loss' in printed
    assert (out / 'checkpoint' / 'config.yaml').is_file()


def test_a_folder_without_episodes_is_refused(tmp_path, capsys):
    status = run(
        '--config', 'config/models/test.yaml', '--data', tmp_path, '--out', tmp_path / 'o'
    )
    assert status == 1
    assert 'no episodes' in capsys.readouterr().err


def test_a_budget_that_is_not_positive_is_refused(tmp_path, capsys):
    assert run('--data', tmp_path, '--out', tmp_path / 'o', '--minutes', 0) == 2
    assert 'must be positive' in capsys.readouterr().err


def test_a_recipe_takes_action_dimensions_and_camera_from_the_checkpoint_it_starts_from(tmp_path):
    start = read_yaml(resources.find('checkpoints/tiny/config.yaml'))
    start['model']['action']['dimension'] = 2
    start['embodiment'] |= {'dimensions': ['x', 'y'], 'units': ['m', 'm']}
    start['normaliser'] = {'mean': [0.0, 0.0], 'std': [1.0, 1.0]}
    start['camera'] = 'head'
    (tmp_path / 'config.yaml').write_text(yaml.safe_dump(start))
    recipe = load(Recipe, resources.find('config/models/test.yaml'))
    adapted = verb.for_embodiment_of(tmp_path, recipe)
    assert (adapted.model.action.dimension, adapted.training.camera) == (2, 'head')
    assert adapted.model.video == recipe.model.video
