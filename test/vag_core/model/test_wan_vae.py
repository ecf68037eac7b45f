"""The Wan VAE, shrunken, behind the VAE interface."""

import pytest
import torch
from safetensors.torch import save_file

from vag_core.configuration import ConfigError, load, to_mapping
from vag_core.model.vae import LightVae, VaeConfig, VaeKind, WanConfig, make_vae
from vag_core.model.wan_vae import LATENT_MEAN, LATENT_STD, WanVae
from vag_core.model.weights import read_weights

pytest.importorskip('diffusers')
SMALL = WanConfig(base_dim=4, dim_mult=(1, 1, 2, 2), num_res_blocks=1)


@pytest.fixture(scope='module')
def vae():
    torch.manual_seed(0)
    return WanVae(SMALL).eval()


@pytest.fixture(scope='module')
def video():
    return torch.rand(2, 3, 9, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope='module')
def latent(vae, video):
    with torch.no_grad():
        return vae.encode(video)


@torch.no_grad()
def test_time_is_compressed_by_four_after_the_first_frame_and_space_by_eight(vae, video, latent):
    assert latent.shape == (2, 16, 3, 2, 3)
    assert vae.decode(latent).shape == video.shape


@torch.no_grad()
def test_encoding_the_first_frame_alone_is_exact(vae, video, latent):
    alone = vae.encode(video[:, :, :1])
    torch.testing.assert_close(latent[:, :, :1], alone, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_a_latent_frame_depends_on_no_later_frame(vae, video, latent):
    changed = video.clone()
    changed[:, :, 5:] = 0
    difference = (vae.encode(changed) - latent).abs().amax((0, 1, 3, 4))
    assert difference[:2].max() < 1e-5
    assert difference[2] > 1e-4


@torch.no_grad()
def test_the_latent_is_the_posterior_mean_normalised_by_the_published_statistics(vae, video):
    from diffusers import AutoencoderKLWan

    reference = AutoencoderKLWan(base_dim=4, dim_mult=[1, 1, 2, 2], num_res_blocks=1).eval()
    reference.load_state_dict(vae.state_dict())
    assert tuple(reference.config.latents_mean) == LATENT_MEAN
    assert tuple(reference.config.latents_std) == LATENT_STD
    mean, std = (torch.tensor(v).view(1, 16, 1, 1, 1) for v in (LATENT_MEAN, LATENT_STD))
    raw = reference.encode(video).latent_dist.mean
    torch.testing.assert_close(vae.encode(video), (raw - mean) / std)
    torch.testing.assert_close(vae.decode((raw - mean) / std), reference.decode(raw).sample)


@torch.no_grad()
def test_a_sample_does_not_depend_on_the_others_in_its_batch(vae, video, latent):
    torch.testing.assert_close(vae.encode(video[1:]), latent[1:])


@torch.no_grad()
def test_pixels_and_latents_are_float32_where_the_weights_are_bfloat16(video, latent):
    torch.manual_seed(0)
    half = WanVae(SMALL).eval().bfloat16()
    found = half.encode(video)
    assert found.dtype == half.decode(latent).dtype == torch.float32
    torch.testing.assert_close(found, latent, atol=0.03, rtol=0.03)


def test_its_weights_file_is_that_of_diffusers(vae, tmp_path):
    from diffusers import AutoencoderKLWan

    torch.manual_seed(1)
    other = AutoencoderKLWan(base_dim=4, dim_mult=[1, 1, 2, 2], num_res_blocks=1)
    other.save_pretrained(tmp_path / 'vae')
    loaded = WanVae(SMALL)
    loaded.load_state_dict(read_weights(tmp_path, 'vae'))
    assert all(torch.equal(v, other.state_dict()[k]) for k, v in loaded.state_dict().items())
    save_file(vae.state_dict(), tmp_path / 'vae.safetensors')
    assert read_weights(tmp_path / 'vae.safetensors').keys() == vae.state_dict().keys()


def test_the_full_size_has_the_published_number_of_parameters():
    with torch.device('meta'):
        vae = make_vae(VaeConfig(kind=VaeKind.WAN))
    count = {
        name: sum(p.numel() for p in part.parameters()) for name, part in vae.named_children()
    }
    assert sum(count.values()) == pytest.approx(126.9e6, rel=1e-3)
    assert count['encoder'] == pytest.approx(53.6e6, rel=2e-3)
    assert count['decoder'] == pytest.approx(73.3e6, rel=2e-3)


def test_the_configuration_chooses_the_vae():
    assert isinstance(make_vae(VaeConfig()), LightVae)
    assert isinstance(make_vae(VaeConfig(kind=VaeKind.WAN, wan=SMALL)), WanVae)
    cfg = VaeConfig(kind=VaeKind.WAN, wan=SMALL)
    assert load(VaeConfig, to_mapping(cfg)) == cfg


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'kind': 'wan', 'latent_channels': 4}, 'latent_channels = 4: the Wan VAE has 16'),
        ({'wan': {'base_dim': 0}}, 'base_dim = 0'),
        ({'kind': 'heavy'}, 'kind'),
    ],
)
def test_impossible_vaes_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        load(VaeConfig, options)
