"""The light VAE behind the VAE interface."""

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.vae import LightVae, VaeConfig, latent_frames


@pytest.fixture(scope='module')
def vae():
    torch.manual_seed(0)
    vae = LightVae(VaeConfig(latent_channels=6, widths=(8, 16))).eval()
    vae.normalise_to(torch.randn(6), torch.rand(6) + 0.5)
    return vae


@pytest.fixture(scope='module')
def video():
    return torch.rand(2, 3, 13, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_time_is_compressed_by_four_after_the_first_frame_and_space_by_eight(vae, video):
    with torch.no_grad():
        latent = vae.encode(video)
        assert latent.shape == (2, 6, 4, 2, 3)
        assert vae.decode(latent).shape == video.shape


def test_encoding_the_first_frame_alone_is_exact(vae, video):
    with torch.no_grad():
        alone = vae.encode(video[:, :, :1])
        torch.testing.assert_close(vae.encode(video)[:, :, :1], alone, rtol=1e-5, atol=1e-6)


def test_a_latent_frame_depends_on_no_later_frame(vae, video):
    changed = video.clone()
    changed[:, :, 9:] = 0
    with torch.no_grad():
        difference = (vae.encode(changed) - vae.encode(video)).abs().amax((0, 1, 3, 4))
    assert difference[:3].max() < 1e-5
    assert difference[3] > 1e-3


def test_latents_are_normalised_by_the_stored_statistics(vae, video):
    with torch.no_grad():
        raw = vae.posterior(vae.group(video).flatten(0, 1))[0].unflatten(0, (2, 4)).transpose(1, 2)
        mean, std = (v[:, None, None, None] for v in (vae.latent_mean, vae.latent_std))
        torch.testing.assert_close(vae.encode(video), (raw - mean) / std)


def test_93_frames_are_24_latent_frames():
    assert latent_frames(93) == 24


@pytest.mark.parametrize('frames', [0, 2, 92])
def test_other_lengths_are_refused(vae, frames):
    with pytest.raises(ValueError, match=f'frames = {frames}: must be 4n'):
        vae.encode(torch.zeros(1, 3, frames, 16, 16))


def test_a_width_that_has_no_groups_is_refused():
    with pytest.raises(ConfigError, match='multiple of 8'):
        VaeConfig(widths=(12, 16))
