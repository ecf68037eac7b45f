import numpy as np
import pytest

from vag_core.configuration import ConfigError, load
from vag_core.episode import list_episodes, load_episode
from vag_core.policy.perturb import PerturbConfig, perturb, perturb_all

NOTHING = {
    'start_rad': 0.0, 'start_m': 0.0, 'action_rad': 0.0, 'action_m': 0.0,
    'brightness': 0.0, 'contrast': 0.0, 'channel': 0.0, 'pixel': 0.0,
}  # fmt: skip


@pytest.fixture(scope='module')
def episode(policy_data):
    return load_episode(policy_data / 'e0')


def test_without_any_size_nothing_changes(episode):
    found = perturb(episode, load(PerturbConfig, NOTHING), (0, 1), 'copy')
    assert np.array_equal(found.actions, episode.actions)
    assert np.array_equal(found.states, episode.states)
    assert np.array_equal(found.videos['cam_high'], episode.videos['cam_high'])
    assert found.success is None
    assert found.provenance['perturbed_from'] == 'e0'


def test_the_start_is_moved_and_found_back_from(episode):
    cfg = load(PerturbConfig, {**NOTHING, 'start_rad': 0.1, 'start_steps': 4})
    found = perturb(episode, cfg, (0, 1), 'copy')
    moved = np.abs(found.states - episode.states)
    radians = [unit == 'rad' for unit in episode.embodiment.units]
    assert moved[0][radians].min() > 0
    assert moved[0][np.logical_not(radians)].max() == 0
    assert (np.diff(moved[:5], axis=0) <= 0).all()
    assert moved[4:].max() == 0
    assert np.array_equal(found.actions, episode.actions)


def test_actions_wander_a_little_and_slowly(episode):
    cfg = load(PerturbConfig, {**NOTHING, 'action_rad': 0.01, 'wander_steps': 5})
    wander = perturb(episode, cfg, (0, 1), 'copy').actions - episode.actions
    assert 0 < np.abs(wander).max() < 0.05
    assert np.abs(np.diff(wander, 2, axis=0)).max() < 1e-6


def test_light_and_colour_change_for_all_frames_alike(episode):
    cfg = load(PerturbConfig, {**NOTHING, 'brightness': 0.2, 'channel': 0.2})
    found = perturb(episode, cfg, (0, 1), 'copy').videos['cam_high'].astype(int)
    background = found[:, 0, 0]
    assert len(np.unique(background, axis=0)) == 1
    assert len(set(background[0])) > 1


def test_the_same_seed_gives_the_same_episode_and_another_one_another(episode):
    one, same, other = (perturb(episode, PerturbConfig(), (0, n), 'copy') for n in (1, 1, 2))
    assert np.array_equal(one.videos['cam_high'], same.videos['cam_high'])
    assert not np.array_equal(one.actions, other.actions)


def test_a_set_takes_its_sources_in_turn_and_keeps_what_is_there(policy_data, tmp_path):
    perturb_all(policy_data, 2, tmp_path, PerturbConfig(), seed=1)
    before = {folder: folder.stat().st_mtime_ns for folder in list_episodes(tmp_path)}
    perturb_all(policy_data, 5, tmp_path, PerturbConfig(), seed=1)
    found = list_episodes(tmp_path)
    assert [folder.name for folder in found] == [
        'e0_p00000', 'e0_p00004', 'e1_p00001', 'e2_p00002', 'e3_p00003',
    ]  # fmt: skip
    assert all(folder.stat().st_mtime_ns == moment for folder, moment in before.items())


def test_a_folder_without_episodes_is_refused(tmp_path):
    with pytest.raises(ValueError, match='no episodes'):
        perturb_all(tmp_path, 2, tmp_path / 'out', PerturbConfig(), seed=1)


@pytest.mark.parametrize(
    ('change', 'message'),
    [({'start_rad': -1.0}, 'start_rad'), ({'channel': 2.0}, 'channel'), ({'start_steps': 0}, '1')],
)
def test_sizes_out_of_range_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        load(PerturbConfig, change)
