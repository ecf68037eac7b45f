"""Training of a reader, interrupted and continued."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from vag_core.baselines.model import make_network
from vag_core.baselines.reader import load_reader
from vag_core.baselines.run import ReaderRun, measure_reader
from vag_core.configuration import ConfigError
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.interrupt import Interrupt, Interrupted
from vag_core.train.mirror import MirrorConfig
from vag_core.train.run import RunOptions
from vag_core.train.states import States


@pytest.fixture(autouse=True)
def no_picture(monkeypatch):
    """Drawing the losses takes longer than these runs."""
    monkeypatch.setattr('vag_core.baselines.run.draw_losses', lambda *_: None)


@pytest.fixture(scope='module')
def trained(reader_recipe, frames_data, tmp_path_factory):
    out = tmp_path_factory.mktemp('reader') / 'out'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('vag_core.baselines.run.draw_losses', lambda *_: None)
        ReaderRun(reader_recipe, frames_data, RunOptions(out=out, seed=3)).train()
    return out


class Stop:
    """Asks to stop when step ``step`` is reported; the next one is the last."""

    def __init__(self, step):
        self.interrupt, self.step = Interrupt(), step

    def __call__(self, activity, done, total, report):
        self.interrupt.asked = activity == 'resnet' and done == self.step


@pytest.mark.parametrize('step', [1, 3])
def test_a_continued_run_equals_an_uninterrupted_one(
    trained, reader_recipe, frames_data, tmp_path, step
):
    stop, options = Stop(step), RunOptions(out=tmp_path, seed=3)
    with pytest.raises(Interrupted, match=f'step {step + 1} of 6'):
        ReaderRun(reader_recipe, frames_data, options, None, stop.interrupt, stop).train()
    ReaderRun(reader_recipe, frames_data, dataclasses.replace(options, resume=True)).train()
    (mine, theirs) = (States(out / 'states', 1).finished('resnet') for out in (tmp_path, trained))
    assert mine[0].losses == theirs[0].losses
    assert mine[1].keys() == theirs[1].keys()
    assert all(torch.equal(value, theirs[1][name]) for name, value in mine[1].items())


def test_another_seed_trains_other_weights(trained, reader_recipe, frames_data, tmp_path):
    ReaderRun(reader_recipe, frames_data, RunOptions(out=tmp_path, seed=4)).train()
    mine, theirs = (load_reader(out / 'reader').network for out in (tmp_path, trained))
    assert not torch.equal(mine.fc.weight, theirs.fc.weight)


def test_its_folder_says_what_it_was_made_of(trained, reader_recipe, frames_data):
    reader = load_reader(trained / 'reader')
    assert reader.config.model == reader_recipe.model
    assert reader.config.embodiment == frames_data.embodiment
    assert reader.config.provenance == {
        'episodes': 2, 'seed': 3, 'steps': 6, 'frames_seen': 24, 'pretrained': False,
    }  # fmt: skip
    # Running statistics of the normalisation are trained too.
    assert reader.network.bn1.num_batches_tracked == 6
    metrics = json.loads((trained / 'metrics.json').read_text())
    assert metrics['measured_on'] == 'the training episodes'
    assert metrics['episodes'] == 2


def test_more_steps_read_nearer_to_the_truth(trained, reader_recipe, frames_data, tmp_path):
    training = dataclasses.replace(
        reader_recipe.training,
        stage=dataclasses.replace(reader_recipe.training.stage, steps=50, batch=10),
        augmentation=None,
    )
    recipe = dataclasses.replace(reader_recipe, training=training)
    found = ReaderRun(recipe, frames_data, RunOptions(out=tmp_path, seed=3)).train()
    short = measure_reader(load_reader(trained / 'reader'), frames_data, 2)
    assert found.actions.distance < 0.3 * short.actions.distance
    assert found.units['rad'].error < 0.06


def test_it_is_measured_on_validation_episodes_where_there_are_any(
    reader_recipe, frames_root, frames_data, tmp_path
):
    data = load_demonstrations(frames_root, reader_recipe.model, 'cam_high')
    data = dataclasses.replace(data, actions=data.actions + np.float32(100))
    found = ReaderRun(reader_recipe, frames_data, RunOptions(out=tmp_path), data).train()
    assert found.units['rad'].error > 50


def test_mirror_images_are_trained_on_too(reader_recipe, frames_data, tmp_path):
    mirror = MirrorConfig(signs=(-1, 1, 1, -1, 1, -1, 1))
    training = dataclasses.replace(reader_recipe.training, mirror=mirror)
    recipe = dataclasses.replace(reader_recipe, training=training)
    ReaderRun(recipe, frames_data, RunOptions(out=tmp_path)).train()
    assert load_reader(tmp_path / 'reader').config.provenance['episodes'] == 4
    assert len(list((tmp_path / 'cache').glob('frames-*/*'))) == 4


def test_a_finished_run_is_left_as_it_is(trained, reader_recipe, frames_data):
    with pytest.raises(FileExistsError, match='nothing was trained'):
        ReaderRun(reader_recipe, frames_data, RunOptions(out=trained)).train()


def test_a_run_is_not_continued_with_another_network(reader_recipe, frames_data, tmp_path):
    stop = Stop(1)
    options = RunOptions(out=tmp_path, resume=True)
    with pytest.raises(Interrupted):
        ReaderRun(reader_recipe, frames_data, options, None, stop.interrupt, stop).train()
    other = dataclasses.replace(
        reader_recipe, model=dataclasses.replace(reader_recipe.model, height=64)
    )
    with pytest.raises(ConfigError, match='begun with another model'):
        ReaderRun(other, frames_data, options).train()


def test_it_starts_from_given_weights(reader_recipe, frames_data, tmp_path):
    torch.manual_seed(9)
    other = make_network(reader_recipe.model, frames_data.embodiment)
    torch.save(other.state_dict(), tmp_path / 'resnet.pth')
    training = dataclasses.replace(
        reader_recipe.training,
        stage=dataclasses.replace(reader_recipe.training.stage, steps=1, learning_rate=1e-9),
    )
    recipe = dataclasses.replace(reader_recipe, training=training)
    options = RunOptions(out=tmp_path / 'out', init=tmp_path / 'resnet.pth')
    ReaderRun(recipe, frames_data, options).train()
    found = load_reader(tmp_path / 'out' / 'reader').network
    torch.testing.assert_close(found.conv1.weight, other.conv1.weight, atol=1e-3, rtol=1e-3)
