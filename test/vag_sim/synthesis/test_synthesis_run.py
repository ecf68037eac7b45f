import json
import shutil

import numpy as np
import pytest

from vag_core import resources
from vag_core.checkpoint import hash_folder
from vag_core.configuration import ConfigError
from vag_core.episode import load_episode
from vag_core.images import encode_png, read_mp4
from vag_core.jobs import Job
from vag_sim.synthesis.make import look
from vag_sim.synthesis.run import plan_synthesis
from vag_sim.synthesis.settings import PictureItem, SceneItem, Settings, check_scene
from vag_sim.synthesis.summary import summarise, table
from vag_sim.synthesis.verdict import Outcome

TINY = resources.find('checkpoints/tiny')
SETTINGS = Settings(TINY, hash_folder(TINY), min_consistency=20.0)
TASK, SEED = 'lift_cube:left:blue', 3
ITEM = SceneItem(TASK, SEED)
NAME = 'lift_cube-left-blue_000003_n0'


def made(out, items=(ITEM,), settings=SETTINGS):
    return list(plan_synthesis(items, settings, out).run(1))


@pytest.fixture(scope='module')
def kept(install_generator, demonstration, tmp_path_factory):
    """A set with one episode: a demonstration's own actions and video."""
    out = tmp_path_factory.mktemp('kept')
    with pytest.MonkeyPatch.context() as patch:
        install_generator(patch, demonstration.actions, demonstration.videos['cam_high'])
        (judgement,) = made(out)
    assert judgement.outcome is Outcome.KEPT
    return out


def test_a_demonstration_s_own_actions_and_video_are_kept(kept, demonstration):
    folder = kept / 'kept' / NAME
    episode = load_episode(folder)
    assert episode.success is True
    assert episode.states == pytest.approx(demonstration.states, abs=1e-4)
    assert episode.provenance['verdict']['consistency_db'] > 25
    assert (episode.provenance['task'], episode.provenance['seed']) == (TASK, SEED)
    assert read_mp4(folder / 'replay.mp4').shape == episode.videos['cam_high'].shape
    assert (folder / 'contact_sheet.png').is_file()


def test_a_motion_of_nothing_is_rejected_with_its_reason(generator, tmp_path):
    generator.actions = np.repeat(generator.actions[:1], 8, axis=0)
    (judgement,) = made(tmp_path)
    assert judgement.outcome is Outcome.STILL
    episode = load_episode(tmp_path / 'rejected' / NAME, videos=False)
    assert episode.success is False
    assert 'largest joint travel of left: 0.0' in episode.provenance['verdict']['reason']


def test_actions_that_the_robot_would_not_start_are_kept_as_rejected(generator, tmp_path):
    generator.actions[5, 1] = -0.5
    (judgement,) = made(tmp_path)
    assert judgement.outcome is Outcome.REFUSED
    episode = load_episode(tmp_path / 'rejected' / NAME, videos=False)
    assert 'left_joint2' in episode.provenance['verdict']['reason']
    assert episode.states is None


def test_a_success_that_the_video_does_not_show_is_rejected(generator, tmp_path, monkeypatch):
    monkeypatch.setattr('vag_sim.tasks.LiftCube.succeeded', lambda *_: True)
    (judgement,) = made(tmp_path)
    assert judgement.outcome is Outcome.INCONSISTENT
    assert judgement.success is True
    assert (tmp_path / 'rejected' / NAME).is_dir()


def test_the_model_gets_the_scene_s_picture_sentence_and_noise(generator, tmp_path):
    made(tmp_path, settings=Settings(TINY, SETTINGS.checkpoint_hash, 20.0, noise=2))
    start = look(ITEM, 'cam_high')
    (request,) = generator.requests
    assert np.array_equal(request.image, start.picture)
    assert request.instruction == start.instruction
    assert request.seed == SEED + (2 << 32)
    assert request.start_state is None


def test_a_picture_without_a_scene_is_written_as_unjudged(generator, tmp_path):
    (tmp_path / 'a.png').write_bytes(encode_png(np.zeros((96, 128, 3), np.uint8)))
    job = Job('lift the cube', tmp_path / 'a.png', 5)
    out = tmp_path / 'set'
    (judgement,) = made(out, [PictureItem(job)])
    assert judgement.outcome is Outcome.UNJUDGED
    (folder,) = (out / 'unjudged').iterdir()
    assert load_episode(folder, videos=False).success is None
    assert 'not judged' in table(summarise(out))


def test_finished_episodes_stay_whatever_their_verdict_and_the_rest_is_made(generator, tmp_path):
    generator.actions = np.repeat(generator.actions[:1], 8, axis=0)
    made(tmp_path)
    work = plan_synthesis([ITEM, SceneItem(TASK, 4)], SETTINGS, tmp_path)
    assert (work.total, [item.item.seed for item in work.missing]) == (2, [4])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'min_consistency': 3.0}, 'min_consistency = 20.0, wanted is 3.0'),
        ({'checkpoint_hash': 'f00'}, 'checkpoint_hash'),
        ({'steps': 4}, 'steps = None, wanted is 4'),
    ],
)
def test_a_set_is_not_continued_with_other_settings(tmp_path, change, message):
    from dataclasses import replace

    plan_synthesis([ITEM], SETTINGS, tmp_path)
    with pytest.raises(ConfigError, match=message):
        plan_synthesis([ITEM], replace(SETTINGS, **change), tmp_path)


def test_the_summary_counts_reasons_and_gives_intervals(kept, generator, tmp_path):
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    generator.actions[5, 1] = -0.5
    made(tmp_path, [SceneItem('lift_cube:left:red', 1)])
    summary = summarise(tmp_path)
    assert summary == json.loads((tmp_path / 'summary.json').read_text())
    assert summary['tasks']['all']['outcomes'] == {'kept': 1, 'refused': 1}
    assert summary['tasks'][TASK]['kept']['low'] == pytest.approx(0.2065, abs=1e-3)
    assert '| all | 2 | 50.0 % [9.5, 90.5] | 1 | 0 | 0 | 0 |' in table(summary)


@pytest.mark.parametrize(('task', 'seed', 'message'), [('fly', 1, 'task'), (TASK, -1, 'seed')])
def test_unknown_scenes_are_refused(task, seed, message):
    with pytest.raises(ValueError, match=message):
        check_scene(task, seed)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'min_consistency': float('nan')}, '--min-consistency = nan'),
        ({'noise': -1}, '--noise = -1'),
        ({'steps': 0}, '--steps = 0'),
    ],
)
def test_settings_without_meaning_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        Settings(**{'checkpoint': TINY, 'checkpoint_hash': '', 'min_consistency': 1.0, **change})
