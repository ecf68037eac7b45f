"""PSNR, SSIM and moving pixels against values worked out by hand or by torchmetrics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.metrics.video import moving_pixels, psnr, ssim


def noise(seed, shape=(2, 16, 20, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_psnr_of_a_constant_difference():
    black = np.zeros((4, 4), np.uint8)
    assert psnr(black, black + 51) == pytest.approx(20 * np.log10(5))
    assert psnr(black, black) == float('inf')


def test_psnr_counts_the_pixels_of_the_mask_alone():
    first = np.zeros((2, 4, 4, 3), np.uint8)
    second = first.copy()
    second[1, 0, 0] = 51
    mask = np.zeros((2, 4, 4), bool)
    mask[1, 0, 0] = True
    assert psnr(first, second, mask) == pytest.approx(20 * np.log10(5))
    assert psnr(first, second) == pytest.approx(20 * np.log10(5) + 10 * np.log10(32))
    assert np.isnan(psnr(first, second, np.zeros_like(mask)))


def test_a_pixel_moves_where_one_channel_has_left_the_first_frame_by_more_than_the_threshold():
    video = np.full((3, 2, 2, 3), 100, np.uint8)
    video[1, 0, 0, 2] = 121
    video[2, 1, 1] = 80
    assert moving_pixels(video).sum() == 1
    assert moving_pixels(video)[1, 0, 0]
    assert moving_pixels(video, threshold=19).sum() == 2


def test_ssim_over_all_pixels_and_over_a_mask_is_that_of_torchmetrics():
    first = noise(0)
    second = np.clip(first.astype(int) // 2 + noise(1) // 4, 0, 255).astype(np.uint8)
    mask = np.zeros(first.shape[:3], bool)
    mask[1, 3:9, 2:7] = True
    # structural_similarity_index_measure of torchmetrics 1.9.0 in float64, data_range 255.
    assert ssim(first, second) == pytest.approx(0.7356752919, abs=1e-6)
    assert ssim(first, second, mask) == pytest.approx(0.7427308255, abs=1e-6)


@given(st.integers(0, 99))
def test_equal_videos_are_alike_and_order_does_not_matter(seed):
    first, second = noise(seed, (1, 8, 8, 3)), noise(seed + 100, (1, 8, 8, 3))
    assert ssim(first, first) == pytest.approx(1.0, abs=1e-5)
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-5)
    assert psnr(first, second) == psnr(second, first)


def test_videos_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match='both must be uint8 and of one shape'):
        psnr(noise(0), noise(0)[:1])
