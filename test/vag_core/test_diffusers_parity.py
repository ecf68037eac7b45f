"""The video stream and its sampler beside diffusers' transformer and scheduler, in float32."""

import dataclasses

import numpy as np
import pytest
import torch

from vag_core.configuration import load
from vag_core.flow import Grid, Solver
from vag_core.model.dit import Dit, DitConfig
from vag_core.model.vag import Vag, VagConfig
from vag_core.model.weights import diffusers_options
from vag_core.sample import denoise, draw_noise

STEPS = 35
GUIDANCE = 7.0
T_CLEAN = 1e-4 / (1 + 1e-4)
NETWORK = DitConfig(
    latent_channels=4,
    num_layers=3,
    num_attention_heads=2,
    attention_head_dim=32,
    text_embed_dim=16,
    adaln_lora_dim=8,
    max_size=(16, 16, 16),
)


@pytest.fixture(scope='module')
def diffusers():
    return pytest.importorskip('diffusers')


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    network = Dit(NETWORK).eval()
    for parameter in network.parameters():
        # Wider than torch's default, so that every gate and modulation counts.
        torch.nn.init.normal_(parameter, std=0.15)
    return network


@pytest.fixture(scope='module')
def reference(diffusers, network):
    options = diffusers_options(NETWORK, masks_given=True)
    model = diffusers.CosmosTransformer3DModel(**options).eval()
    model.load_state_dict(network.state_dict())
    return model


@pytest.fixture(scope='module')
def model(network):
    cfg = load(
        VagConfig,
        {
            'frames': 17,
            'height': 64,
            'width': 96,
            'vae': {'latent_channels': 4, 'widths': [8, 8]},
            'text': {'dim': 16, 'length': 8},
            'video': {'network': dataclasses.asdict(NETWORK)},
            'action': {'dimension': 7, 'network': {'down_dims': [8, 16], 'groups': 4}},
        },
    )
    model = Vag(cfg).eval()
    model.video.network.load_state_dict(network.state_dict())
    return model


@pytest.fixture(scope='module')
def given(model):
    """First latent frame, text and noise."""
    generator = torch.Generator().manual_seed(1)
    first = torch.randn(1, 4, 1, *model.cfg.latent_size[1:], generator=generator)
    text = torch.randn(1, 8, 16, generator=generator)
    text[:, 5:] = 0
    return first, text, draw_noise(model, [2])[0]


def relative(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def velocity(reference, latent, times, text, fps):
    """Ask diffusers' class, with one clean frame; ``latent`` holds it."""
    planes = torch.zeros_like(latent[:, :2])
    planes[:, 0, 0] = 1
    return reference(
        torch.cat([latent, planes], dim=1), times[:, None, :, None, None], text, fps=fps
    ).sample


@pytest.mark.parametrize('fps', [None, 24])
@torch.no_grad()
def test_one_forward_pass_equals_that_of_diffusers(reference, network, given, fps):
    first, text, noise = given
    latent = torch.cat([first, noise[:, :, 1:]], dim=2)
    times = torch.full((1, noise.shape[2]), 0.7)
    times[:, 0] = T_CLEAN
    mask = torch.zeros(1, 1, noise.shape[2], 1, 1)
    mask[:, :, 0] = 1
    expected = velocity(reference, latent, times, text, fps)
    assert expected.abs().max() > 0.3
    assert relative(network(latent, times, text, mask), expected) < 1e-5


def sample_with_diffusers(diffusers, reference, given):
    """Sample as Cosmos2VideoToWorldPipeline of diffusers 0.42 does, on the EDM sample."""
    first, text, noise = given
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_karras_sigmas=True)
    scheduler.register_to_config(sigma_max=80.0, sigma_min=0.002)
    scheduler.set_timesteps(sigmas=np.linspace(0, 1, STEPS))
    scheduler.sigmas[-1] = scheduler.sigmas[-2]
    clean = torch.zeros(1, 1, noise.shape[2], 1, 1)
    clean[:, :, 0] = 1
    sample = 80.0 * noise

    def estimate(tokens):
        latent = clean * first + (1 - clean) * (1 - t) * sample
        times = (clean * T_CLEAN + (1 - clean) * t).flatten(1)
        output = velocity(reference, latent, times, tokens, fps=24)
        return clean * first + (1 - clean) * ((1 - t) * sample - t * output)

    for sigma, timestep in zip(scheduler.sigmas[:-1], scheduler.timesteps, strict=True):
        t = sigma / (1 + sigma)
        with_text, without = estimate(text), estimate(torch.zeros_like(text))
        guided = with_text + GUIDANCE * (with_text - without)
        sample = scheduler.step((sample - guided) / sigma, timestep, sample).prev_sample
    return sample


@torch.no_grad()
def test_the_sampled_latent_equals_that_of_diffusers_scheduler(diffusers, reference, model, given):
    expected = sample_with_diffusers(diffusers, reference, given)
    first, text, noise = given
    sampler = dataclasses.replace(
        model.cfg.sampler,
        steps=STEPS,
        guidance=GUIDANCE,
        solver=Solver.EULER,
        grid=Grid.DIFFUSERS,
        final_clean=False,
    )
    *_, last = denoise(model, first, text, (noise, None), sampler)
    assert expected[:, :, 1:].std() > 0.1
    assert relative(last.video, expected) < 1e-4
