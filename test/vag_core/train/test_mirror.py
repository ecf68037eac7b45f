"""Demonstrations seen in a mirror."""

import dataclasses

import numpy as np
import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.train.mirror import MirrorConfig, mirrored_values, mirrored_words, with_mirrored

MIRROR = MirrorConfig(signs=(-1, 1, 1, -1, 1, -1, 1))


@pytest.fixture
def both(data):
    return with_mirrored(data, MIRROR)


def test_the_mirror_images_come_after_the_demonstrations_under_names_of_their_own(both, data):
    assert both.names == [*data.names, *(f'{name}-mirrored' for name in data.names)]


def test_pictures_are_flipped(both, data):
    assert torch.equal(both.video(1), data.video(1))
    assert torch.equal(both.video(4), data.video(1).flip(-1))
    assert np.array_equal(both.first_image(4), data.first_image(1)[:, ::-1])


def test_the_arms_are_swapped_and_some_joints_turn_the_other_way(both):
    left, right = np.split(both.actions[0], 2, axis=1)
    assert np.array_equal(both.actions[3, :, :7], right * MIRROR.signs)
    assert np.array_equal(both.start_states[3, 7:], left[0] * MIRROR.signs)


def test_a_mirror_image_of_a_mirror_image_is_the_original(data):
    twice = mirrored_values(mirrored_values(data.actions, MIRROR), MIRROR)
    assert np.array_equal(twice, data.actions)


@pytest.mark.parametrize(
    ('said', 'mirrored'),
    [
        ('lift it with your left arm', 'lift it with your right arm'),
        ('from right to left', 'from left to right'),
        ('lift the tray with both arms', 'lift the tray with both arms'),
        ('the leftmost one is bright', 'the leftmost one is bright'),
    ],
)
def test_left_and_right_change_places_in_the_instruction(said, mirrored):
    assert mirrored_words(said) == mirrored


def test_other_than_two_arms_of_as_many_dimensions_are_refused(data):
    with pytest.raises(ConfigError, match=r'two arms of 6 dimensions, .* has 14 in all'):
        with_mirrored(data, MirrorConfig(signs=(1,) * 6))
    with pytest.raises(ConfigError, match='each must be 1 or -1'):
        MirrorConfig(signs=(2,))


def test_a_run_trains_on_both(data, recipe, make_run, tmp_path):
    training = dataclasses.replace(recipe.training, mirror=MIRROR)
    run = make_run(dataclasses.replace(recipe, training=training), data, tmp_path / 'run')
    assert len(run.data) == 2 * len(data)
