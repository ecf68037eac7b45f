"""PSNR, SSIM and moving pixels against values worked out by hand and against another library."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.metrics.video import moving_pixels, psnr, ssim


def noise(seed, shape=(2, 16, 20, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def ssim_map(first, second):
    """SSIM of one channel by its definition, with OpenCV's Gaussian."""

    def blurred(values):
        return cv2.GaussianBlur(values, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT_101)

    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = blurred(x), blurred(y)
    var_x, var_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return top / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))


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


def test_ssim_is_that_of_its_definition_over_all_pixels_and_over_a_mask():
    first = noise(0)
    second = np.clip(first.astype(int) // 2 + noise(1) // 4, 0, 255).astype(np.uint8)
    golden = np.array(
        [
            np.mean([ssim_map(a[..., c], b[..., c]) for c in range(3)], axis=0)
            for a, b in zip(first, second, strict=True)
        ]
    )
    assert ssim(first, second) == pytest.approx(golden.mean(), abs=1e-4)
    mask = np.zeros(golden.shape, bool)
    mask[1, 3:9, 2:7] = True
    assert ssim(first, second, mask) == pytest.approx(golden[mask].mean(), abs=1e-4)


@given(st.integers(0, 99))
def test_equal_videos_are_alike_and_order_does_not_matter(seed):
    first, second = noise(seed, (1, 8, 8, 3)), noise(seed + 100, (1, 8, 8, 3))
    assert ssim(first, first) == pytest.approx(1.0, abs=1e-5)
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-5)
    assert psnr(first, second) == psnr(second, first)


def test_videos_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match='both must be uint8 and of one shape'):
        psnr(noise(0), noise(0)[:1])
