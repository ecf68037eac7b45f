"""Pictures of any size to the model's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.model.image_fit import ImageFit, fit_image, to_pixels, to_unit_range


def two_halves(height, width):
    """Left half red, right half green."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 1] = 255
    return image


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(ImageFit))
@settings(max_examples=40, deadline=None)
def test_any_picture_gets_the_size_asked_for(height, width, fit):
    image = np.full((height, width, 3), 90, np.uint8)
    fitted = fit_image(image, 32, 48, fit)
    assert fitted.shape == (32, 48, 3)
    assert fitted.dtype == np.uint8
    assert fitted.max() == 90
    if fit is not ImageFit.PAD:
        assert fitted.min() == 90


def test_stretching_keeps_both_edges():
    fitted = fit_image(two_halves(60, 200), 20, 20, ImageFit.STRETCH)
    assert fitted[10, 0].tolist() == [255, 0, 0]
    assert fitted[10, 19].tolist() == [0, 255, 0]


def test_covering_crops_about_the_centre():
    image = two_halves(60, 200)
    image[:, :50] = image[:, 150:] = 77
    fitted = fit_image(image, 20, 20, ImageFit.COVER)
    assert fitted[10, 1].tolist() == [255, 0, 0]
    assert fitted[10, 18].tolist() == [0, 255, 0]


def test_padding_adds_black_borders_on_both_sides():
    fitted = fit_image(two_halves(50, 100), 20, 20, ImageFit.PAD)
    assert not fitted[:5].any()
    assert not fitted[15:].any()
    assert fitted[5:15].any(axis=2).all()


def test_pixels_survive_the_way_to_the_model_and_back():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    values = to_unit_range(pixels)
    assert values.shape == (1, 3, 16, 16)
    assert (float(values.min()), float(values.max())) == (-1, 1)
    np.testing.assert_array_equal(to_pixels(values), pixels)


@pytest.mark.parametrize('image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_rgb_picture_is_refused(image):
    with pytest.raises(ValueError, match='expected \\(H, W, 3\\) uint8'):
        fit_image(image, 8, 8, ImageFit.STRETCH)
