"""Which methods the given folders make possible, and which folders are refused."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from vag_core import resources
from vag_core.baselines.model import ModelConfig, make_network
from vag_core.baselines.reader import ReaderConfig, save_reader
from vag_core.baselines.resnet import ResnetConfig, TrunkConfig
from vag_core.model.normaliser import Normaliser
from vag_core.robot import load_profile
from vag_sim.evaluation.methods import companions, find_methods

TINY = resources.find('checkpoints/tiny')


@pytest.fixture
def reader_config():
    trunk = TrunkConfig(widths=(2, 2), depths=(1, 1), strides=(1, 2))
    return ReaderConfig(
        model=ModelConfig(network=ResnetConfig(trunk=trunk), height=32, width=48),
        embodiment=load_profile('sim').as_embodiment(),
        normaliser=Normaliser(mean=(0.0,) * 14, std=(1.0,) * 14),
        camera='cam_high',
        fps=10.0,
        evaluation='random weights',
        provenance={},
    )


@pytest.fixture
def save(tmp_path, reader_config):
    def save(name, **changes):
        cfg = dataclasses.replace(reader_config, **changes)
        torch.manual_seed(0)
        return save_reader(tmp_path / name, cfg, make_network(cfg.model, cfg.embodiment))

    return save


def altered_tiny(folder: Path, **changes) -> Path:
    shutil.copytree(TINY, folder)
    cfg = yaml.safe_load((folder / 'config.yaml').read_text())
    (folder / 'config.yaml').write_text(yaml.safe_dump({**cfg, **changes}))
    return folder


def test_a_checkpoint_alone_is_compared_with_the_ceiling_itself_and_what_costs_nothing():
    methods = find_methods('tiny')
    assert [method.name for method in methods] == [
        'demonstration',
        'vag',
        'after_video',
        'after_video_on_truth',
        'copy_first_frame',
        'mean_action',
    ]
    assert [m.name for m in methods if m.samples] == ['vag', 'after_video', 'after_video_on_truth']


def test_readers_are_named_by_their_folder_or_by_that_of_their_run(save):
    folders = [save('tiny_resnet'), save('anypos/reader')]
    names = [method.name for method in find_methods(TINY, readers=folders)]
    assert names[3:5] == ['resnet', 'anypos']
    assert {'resnet_on_truth', 'anypos_on_truth'} <= set(names)


def test_two_readers_of_one_name_are_refused(save):
    folders = [save('a/resnet'), save('b/resnet')]
    with pytest.raises(ValueError, match='2 methods would be called resnet'):
        find_methods(TINY, readers=folders)


def test_companions_lie_beside_the_checkpoint_under_its_name(save, tmp_path):
    readers = [save('small_anypos'), save('small_resnet')]
    save('other_resnet')
    assert companions(tmp_path / 'small') == (None, readers)
    (tmp_path / 'small_literal').mkdir()
    assert companions(tmp_path / 'small') == (tmp_path / 'small_literal', readers)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'camera': 'cam_low'}, "camera = 'cam_low': the twin has cam_high"),
        ({'fps': 20.0}, 'fps = 20.0: demonstrations have 10.0'),
    ],
)
def test_what_was_made_for_other_pictures_is_refused(save, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        find_methods(altered_tiny(tmp_path / 'altered', **changes))
    with pytest.raises(ValueError, match=message):
        find_methods(TINY, readers=[save('reader_of_others', **changes)])
