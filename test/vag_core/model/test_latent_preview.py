import pytest
import torch

from vag_core.model.latent_preview import fit_preview, matrix_shape, preview


@pytest.fixture
def pair():
    """A matrix, latents, and the video whose last picture of each latent frame is as it says."""
    generator = torch.Generator().manual_seed(3)
    matrix = 0.05 * torch.randn(matrix_shape(16), generator=generator)
    latent = torch.randn(2, 16, 3, 6, 8, generator=generator)
    pictures = torch.stack([preview(matrix, latent[:, :, k]) for k in range(3)], dim=2)
    video = pictures.repeat_interleave(2, 3).repeat_interleave(2, 4)
    return matrix, latent, video.repeat_interleave(4, 2)[:, :, 3:]


def test_a_picture_has_four_pixels_along_each_side_of_a_latent_cell(pair):
    matrix, latent, _ = pair
    assert preview(matrix, latent[:, :, 0]).shape == (2, 3, 24, 32)


def test_the_fit_finds_what_the_pictures_were_made_with(pair):
    matrix, latent, video = pair
    torch.testing.assert_close(fit_preview(latent, video), matrix, atol=1e-4, rtol=0)


def test_a_picture_of_one_colour_is_fitted_without_a_warning_or_a_value_that_is_not_finite():
    latent = torch.ones(1, 16, 1, 2, 2)
    matrix = fit_preview(latent, torch.full((1, 3, 1, 16, 16), 0.25))
    assert torch.isfinite(matrix).all()
    torch.testing.assert_close(preview(matrix, latent[:, :, 0]), torch.full((1, 3, 8, 8), 0.25))


def test_what_is_brighter_than_white_is_white(pair):
    matrix, latent, _ = pair
    assert preview(100 * matrix, latent[:, :, 0]).abs().max() == 1
