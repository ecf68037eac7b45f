import argparse
import json

import cv2
import numpy as np
import pytest

from vag_core.episode import load_episode
from vag_sim import cli, demos


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    """One demonstration, recorded through the command line."""
    out = tmp_path_factory.mktemp('demos')
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    arguments = ['demos', '--episodes', '1', '--seed', '1000', '--out', str(out)]
    assert cli.run(parser.parse_args(arguments)) == 0
    return out


def test_a_demonstration_is_an_episode_with_film_actions_and_states(recorded):
    episode = load_episode(recorded / 'pick_lift_001000')
    assert episode.episode_id == 'pick_lift_001000'
    assert episode.instruction == 'pick up the red cube with the left arm'
    assert episode.success is True
    assert episode.videos['cam_high'].shape == (93, 240, 320, 3)
    assert episode.actions.shape == episode.states.shape == (93, 14)
    assert episode.provenance['seed'] == 1000
    assert episode.provenance['split'] == 'train'
    assert (
        np.abs(episode.states - episode.actions)[:, ~np.isin(np.arange(14), [6, 13])].max() < 0.1
    )


def test_the_set_has_a_contact_sheet(recorded):
    sheet = cv2.imread(str(recorded / 'contact_sheet.png'))
    assert sheet.shape == (120, 8 * 160, 3)


def test_the_same_seed_gives_the_same_bytes_of_actions(recorded):
    again = demos.record('pick_lift', 1000, ())
    assert again.actions.tobytes() == load_episode(recorded / 'pick_lift_001000').actions.tobytes()


def test_the_film_shows_the_state_at_which_each_action_is_commanded(recorded):
    episode = load_episode(recorded / 'pick_lift_001000')
    video = episode.videos['cam_high'].astype(int)
    changes = np.abs(np.diff(video, axis=0)).mean(axis=(1, 2, 3))
    speeds = np.abs(np.diff(episode.states, axis=0)).max(axis=1)
    assert np.corrcoef(changes, speeds)[0, 1] > 0.7


def test_finished_episodes_are_kept_and_only_missing_ones_are_planned(recorded):
    jobs, kept = demos.plan_jobs({'pick_lift': range(1000, 1003)}, ('cam_high',), recorded)
    assert kept == 1
    assert [job.seed for job in jobs] == [1001, 1002]
    assert [job.folder.name for job in jobs] == ['pick_lift_001001', 'pick_lift_001002']


def test_a_folder_of_another_set_is_not_mixed_in(recorded):
    with pytest.raises(ValueError, match='holds halved False, wanted is True'):
        demos.plan_jobs({'pick_lift': [1000]}, ('cam_high',), recorded, halved=True)


def test_a_folder_that_holds_something_else_is_not_taken_for_an_episode(tmp_path):
    (tmp_path / 'pick_lift_001000').mkdir()
    (tmp_path / 'pick_lift_001000' / 'episode.json').write_text(json.dumps({}))
    with pytest.raises(ValueError, match='no demonstration of this set'):
        demos.plan_jobs({'pick_lift': [1000]}, ('cam_high',), tmp_path)


@pytest.mark.parametrize(
    ('task', 'camera', 'message'),
    [('fly', 'cam_high', "task = 'fly'"), ('pick_lift', 'cam', "camera = 'cam'")],
)
def test_unknown_names_are_refused_before_anything_runs(tmp_path, task, camera, message):
    with pytest.raises(ValueError, match=message):
        demos.plan_jobs({task: range(1)}, (camera,), tmp_path)
