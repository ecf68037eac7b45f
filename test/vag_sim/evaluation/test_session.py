"""An evaluation from the folders of a checkpoint and its companions to the report."""

import dataclasses
import json

import pytest
import torch

from vag_core import resources
from vag_core.baselines.model import ModelConfig, make_network
from vag_core.baselines.reader import ReaderConfig, save_reader
from vag_core.baselines.resnet import ResnetConfig, TrunkConfig
from vag_core.checkpoint import CheckpointConfig, save_checkpoint
from vag_core.configuration import load
from vag_core.model.normaliser import Normaliser
from vag_core.model.vag import Vag
from vag_core.robot import load_profile
from vag_core.train.recipe import Recipe
from vag_sim.evaluation import session as sessions
from vag_sim.evaluation.methods import companions, find_methods
from vag_sim.evaluation.results import FILE, read_results
from vag_sim.evaluation.scenes import choose_scenes
from vag_sim.evaluation.session import Session
from vag_sim.evaluation.work import run_job
from vag_sim.splits import Split

METHODS = [
    'demonstration',
    'vag',
    'literal',
    'after_video',
    'resnet',
    'after_video_on_truth',
    'resnet_on_truth',
    'copy_first_frame',
    'mean_action',
]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """The smallest model with random weights, whose actions stay near home, and companions."""
    folder = tmp_path_factory.mktemp('checkpoints')
    profile = load_profile('sim')
    mean = profile.home_position.copy()
    mean[profile.is_gripper] = 0.05
    common = {
        'embodiment': profile.as_embodiment(),
        'normaliser': Normaliser(mean=tuple(mean.tolist()), std=(0.001,) * 14),
        'camera': 'cam_high',
        'fps': 10.0,
        'evaluation': 'random weights',
    }
    torch.manual_seed(0)
    recipe = load(Recipe, resources.find('config/models/test.yaml'))
    cfg, model = CheckpointConfig(model=recipe.model, **common), Vag(recipe.model).eval()
    for name in ('small', 'small_literal'):
        save_checkpoint(folder / name, cfg, model)
    trunk = TrunkConfig(widths=(4, 8), depths=(1, 1), strides=(1, 2))
    network = ModelConfig(network=ResnetConfig(trunk=trunk, pool=(2, 6)), height=32, width=48)
    reader = ReaderConfig(model=network, provenance={}, **common)
    save_reader(folder / 'small_resnet', reader, make_network(network, reader.embodiment))
    return folder / 'small'


@pytest.fixture(scope='module')
def evaluated(checkpoint, tmp_path_factory):
    """The folder of an evaluation of one scene, in this process."""
    folder = tmp_path_factory.mktemp('evaluation')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, 'run_jobs', lambda jobs, workers: map(run_job, jobs))
        evaluation = session(checkpoint, folder)
        evaluation.measure()
        evaluation.report()
    return folder


def session(checkpoint, folder, **changes):
    literal, readers = companions(checkpoint)
    options = {
        'scenes': choose_scenes(['lift_cube'], Split.SCENES, 1),
        'seeds': 1,
        'methods': find_methods(checkpoint, literal, readers),
        'checkpoint': checkpoint,
        'folder': folder,
    }
    return Session(**{**options, **changes})


def test_every_method_has_a_result_with_the_figures_that_it_can_have(evaluated):
    results = {result.method: result for result in read_results(evaluated / FILE)}
    assert list(results) == METHODS
    assert results['vag'].refused == ''
    with_video = [name for name in METHODS if results[name].psnr is not None]
    assert with_video == ['vag', 'literal', 'copy_first_frame']
    replayed = [name for name in METHODS if results[name].consistency is not None]
    assert replayed == METHODS[1:5]
    assert results['demonstration'].distance == 0.0
    assert results['vag'].distance == results['literal'].distance > 0
    assert results['vag'].distance != results['after_video'].distance
    assert results['after_video'].inference_s > results['vag'].inference_s


def test_the_report_has_rows_pictures_and_what_they_are_about(evaluated, checkpoint):
    report = json.loads((evaluated / 'report.json').read_text())
    assert [row['method'] for row in report['rows'] if row['group'] == 'all'] == METHODS
    assert report['checkpoint']['name'] == checkpoint.name
    text = (evaluated / 'report.md').read_text()
    pictures = {path.name for path in evaluated.iterdir()} - {FILE, 'report.json', 'report.md'}
    assert {'success_scenes.png', 'confusion_scenes.png', 'failures_scenes_vag.jpg'} <= pictures
    assert all(f'({name})' in text for name in pictures - {'made'})


def test_what_is_measured_is_not_measured_again(evaluated, checkpoint, monkeypatch):
    monkeypatch.setattr(sessions, 'run_jobs', pytest.fail)
    before = (evaluated / FILE).read_bytes()
    again = session(checkpoint, evaluated)
    again.measure()
    assert (evaluated / FILE).read_bytes() == before
    assert [result.method for result in again.results()] == METHODS


def test_results_of_other_weights_are_refused_before_anything_runs(evaluated, checkpoint):
    others = [
        dataclasses.replace(method, identity='changed')
        for method in find_methods(checkpoint, names=['vag'])
    ]
    with pytest.raises(ValueError, match='holds results of vag with other weights'):
        session(checkpoint, evaluated, methods=others)


def test_a_first_duration_is_said_from_a_job_of_processes_that_are_warm(
    checkpoint, tmp_path, monkeypatch
):
    def run_jobs(jobs, workers):
        return (sessions.Outcome(job, seconds=90.0) for job in jobs)

    monkeypatch.setattr(sessions, 'run_jobs', run_jobs)
    said = []
    scenes = choose_scenes(['lift_cube'], Split.SCENES, 40)
    session(checkpoint, tmp_path, scenes=scenes, workers=2, say=said.append).measure(
        say_duration=True
    )
    assert said[1] == 'all of it takes about 30 min'
