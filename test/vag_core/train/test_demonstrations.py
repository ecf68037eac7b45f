"""A folder of episodes as training data."""

import dataclasses

import numpy as np
import pytest

from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, load_episode, save_episode
from vag_core.train.demonstrations import load_demonstrations


def test_an_episode_of_another_length_is_named(episodes, recipe, tmp_path):
    episode = load_episode(episodes / 'episode_000000')
    short = Episode(
        'short', 'x', 10.0, episode.embodiment, episode.actions[:5],
        {'cam_high': episode.videos['cam_high'][:5]},
    )  # fmt: skip
    save_episode(short, tmp_path / 'short')
    with pytest.raises(ValueError, match='short: 5 steps, the model has 9'):
        load_demonstrations(tmp_path, recipe.model, 'cam_high')


def test_a_missing_camera_is_named(episodes, recipe):
    with pytest.raises(ValueError, match=r"no camera 'cam_low', there are \['cam_high'\]"):
        load_demonstrations(episodes, recipe.model, 'cam_low')


def test_videos_come_from_disk_at_the_model_s_size(episodes, recipe):
    model = dataclasses.replace(recipe.model, height=16, width=32)
    video = load_demonstrations(episodes, model, 'cam_high').video(1)
    assert video.shape == (9, 3, 16, 32)


def test_measured_positions_are_the_start_state_where_there_are_any(recipe, tmp_path):
    embodiment = Embodiment(
        name='delta', dimensions=tuple(f'd{k}' for k in range(14)), units=('raw',) * 14
    )
    actions = np.ones((9, 14), np.float32)
    video = {'cam_high': np.zeros((9, 32, 48, 3), np.uint8)}
    for name, states in (('a', None), ('b', 2 * actions), ('c', np.ones((9, 3), np.float32))):
        save_episode(
            Episode(name, 'x', 10.0, embodiment, actions, video, states=states), tmp_path / name
        )
    found = load_demonstrations(tmp_path, recipe.model, 'cam_high')
    assert found.start_states[:, 0].tolist() == [1.0, 2.0, 1.0]
