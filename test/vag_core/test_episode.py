import dataclasses
import json

import numpy as np
import pytest

from vag_core.draw import contact_sheet, draw_episode
from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, list_episodes, load_episode, save_episode
from vag_core.images import encode_jpeg

ARM = Embodiment(name='arm', dimensions=('joint1', 'gripper'), units=('rad', 'm'))
STEPS = 9


def moving_square() -> np.ndarray:
    video = np.full((STEPS, 48, 64, 3), 60, np.uint8)
    for k, frame in enumerate(video):
        frame[10:30, 5 * k : 5 * k + 16] = (200, 40, 40)
    return video


@pytest.fixture
def episode() -> Episode:
    rng = np.random.default_rng(0)
    return Episode(
        episode_id='e1',
        instruction='pick up the red cube',
        fps=10.0,
        embodiment=ARM,
        actions=rng.normal(size=(STEPS, 2)).astype(np.float32),
        states=rng.normal(size=(STEPS, 2)).astype(np.float32),
        videos={'cam_high': moving_square()},
        stamp_ns=1_700_000_000_123_456_789,
        conditioning_image=encode_jpeg(moving_square()[0]),
        conditioning_stamp_ns=1_700_000_000_000_000_001,
        success=False,
        provenance={'seed': 7, 'evaluation': 'smoke-trained, not evaluated'},
    )


def test_loading_gives_back_what_was_saved(episode, tmp_path):
    loaded = load_episode(save_episode(episode, tmp_path / 'e1'))
    for field in dataclasses.fields(Episode):
        if field.name not in ('actions', 'states', 'videos'):
            assert getattr(loaded, field.name) == getattr(episode, field.name), field.name
    np.testing.assert_array_equal(loaded.actions, episode.actions)
    np.testing.assert_array_equal(loaded.states, episode.states)
    error = loaded.videos['cam_high'].astype(float) - episode.videos['cam_high']
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 32


def test_an_existing_folder_is_never_overwritten(episode, tmp_path):
    save_episode(episode, tmp_path / 'e1')
    with pytest.raises(FileExistsError, match='e1'):
        save_episode(dataclasses.replace(episode, instruction='other'), tmp_path / 'e1')
    assert load_episode(tmp_path / 'e1').instruction == episode.instruction


def test_a_failed_save_leaves_nothing_behind(episode, tmp_path):
    broken = dataclasses.replace(episode, provenance={'not json': object()})
    with pytest.raises(TypeError):
        save_episode(broken, tmp_path / 'e1')
    assert list(tmp_path.iterdir()) == []


def test_only_whole_episodes_are_listed(episode, tmp_path):
    save_episode(episode, tmp_path / 'b')
    save_episode(episode, tmp_path / 'a')
    (tmp_path / '.c.partial-1').mkdir()
    (tmp_path / '.c.partial-1' / 'episode.json').write_text('{}')
    (tmp_path / 'notes').mkdir()
    assert [path.name for path in list_episodes(tmp_path)] == ['a', 'b']


def test_another_schema_version_is_refused(episode, tmp_path):
    path = save_episode(episode, tmp_path / 'e1') / 'episode.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'schema_version': 99}))
    with pytest.raises(ValueError, match='schema_version = 99'):
        load_episode(tmp_path / 'e1')


def test_a_folder_without_an_episode_is_named(tmp_path):
    with pytest.raises(ValueError, match='not an episode folder'):
        load_episode(tmp_path)


def test_an_unknown_or_missing_field_is_named(episode, tmp_path):
    path = save_episode(episode, tmp_path / 'e1') / 'episode.json'
    header = json.loads(path.read_text())
    del header['fps']
    path.write_text(json.dumps({**header, 'colour': 'red'}))
    with pytest.raises(ValueError, match='missing or unknown: colour, fps'):
        load_episode(tmp_path / 'e1')


def test_a_file_of_arrays_that_is_missing_or_torn_is_named(episode, tmp_path):
    path = save_episode(episode, tmp_path / 'e1') / 'arrays.npz'
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r'arrays\.npz'):
        load_episode(tmp_path / 'e1')
    path.unlink()
    with pytest.raises(ValueError, match=r'arrays\.npz'):
        load_episode(tmp_path / 'e1')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'episode_id': '../up'}, 'episode_id'),
        ({'fps': 0.0}, 'fps = 0.0'),
        ({'actions': np.zeros((STEPS, 3), np.float32)}, r'actions: shape \(9, 3\)'),
        ({'actions': np.zeros((STEPS, 2))}, 'actions: dtype float64'),
        ({'states': np.zeros((4, 2), np.float32)}, r'states: shape \(4, 2\), expected 9 steps'),
        ({'videos': {'cam': np.zeros((STEPS, 8, 8), np.uint8)}}, r"videos\['cam'\]"),
        ({'videos': {'cam': np.zeros((5, 8, 8, 3), np.uint8)}}, '5 frames for 9 actions'),
    ],
)
def test_a_contradiction_is_refused_naming_the_field(episode, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(episode, **change)


def test_a_number_that_is_not_finite_is_named_by_step_and_dimension(episode):
    actions = episode.actions.copy()
    actions[3, 1] = np.nan
    with pytest.raises(ValueError, match=r'actions\[3, 1\] = nan'):
        dataclasses.replace(episode, actions=actions)


def test_a_contact_sheet_and_a_joint_plot_are_drawn(episode, tmp_path):
    paths = draw_episode(episode, tmp_path)
    assert [path.name for path in paths] == ['contact_sheet.png', 'joints.png']
    assert all(path.stat().st_size > 1000 for path in paths)


def test_the_contact_sheet_shows_the_frames(episode):
    sheet = contact_sheet(episode, columns=3, rows=3, width=64)
    assert sheet.shape == (40 + 3 * 48, 3 * 64, 3)
    first_cell = sheet[40:88, :64]
    assert first_cell[20, 10].tolist() == [200, 40, 40]
