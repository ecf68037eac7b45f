"""Changes of a frame that leave its action as it is."""

import numpy as np
import pytest
import torch

from vag_core.baselines.augmentation import AugmentationConfig, augment
from vag_core.configuration import ConfigError

NONE = {'brightness': 0.0, 'contrast': 0.0, 'blur': 0.0, 'noise': 0.0}


@pytest.fixture
def frame():
    return np.random.default_rng(0).integers(60, 180, size=(24, 32, 3), dtype=np.uint8)


def changed(frame, seed=0, **largest):
    generator = torch.Generator().manual_seed(seed)
    return augment(frame, AugmentationConfig(**(NONE | largest)), generator)


def test_without_any_change_a_frame_stays_as_it_is(frame):
    assert np.array_equal(changed(frame), frame)


def test_brightness_moves_the_mean_and_no_more(frame):
    moves = [changed(frame, seed, brightness=0.1).astype(int) - frame for seed in range(20)]
    means = np.array([move.mean() for move in moves])
    assert all(np.ptp(move) <= 1 for move in moves)
    assert -25.5 <= means.min() < 0 < means.max() <= 25.5


def test_contrast_keeps_the_mean(frame):
    deviations = [changed(frame, seed, contrast=0.2) for seed in range(20)]
    assert np.ptp([d.mean() for d in deviations]) < 0.2
    ratios = np.array([d.std() for d in deviations]) / frame.std()
    assert 0.79 < ratios.min() < 1 < ratios.max() < 1.21


def test_blur_makes_neighbours_alike_and_keeps_the_mean(frame):
    blurred = changed(frame, blur=2.0).astype(float)
    assert (
        np.abs(np.diff(blurred, axis=1)).mean()
        < np.abs(np.diff(frame.astype(float), axis=1)).mean()
    )
    assert abs(blurred.mean() - frame.mean()) < 1.5


def test_noise_has_the_deviation_that_was_asked_for_at_most(frame):
    found = [(changed(frame, s, noise=0.05).astype(float) - frame).std() for s in range(20)]
    assert max(found) <= 0.05 * 255 * 1.05
    assert min(found) < 0.02 * 255


def test_the_same_generator_gives_the_same_frame(frame):
    largest = {'brightness': 0.1, 'contrast': 0.1, 'blur': 1.0, 'noise': 0.02}
    assert np.array_equal(changed(frame, 5, **largest), changed(frame, 5, **largest))
    assert not np.array_equal(changed(frame, 5, **largest), changed(frame, 6, **largest))


def test_pixels_stay_in_range():
    white = np.full((8, 8, 3), 255, np.uint8)
    assert changed(white, 1, brightness=1.0).dtype == np.uint8
    for seed in range(5):
        assert changed(white, seed, brightness=1.0, noise=0.5).max() <= 255


def test_a_negative_change_is_refused():
    with pytest.raises(ConfigError, match='blur = -1'):
        AugmentationConfig(blur=-1.0)
