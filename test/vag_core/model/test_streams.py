"""Both streams: conditioning on the first frame, meaning of the output, where gradients go."""

import dataclasses

import pytest
import torch

from vag_core import flow
from vag_core.configuration import ConfigError, load, to_mapping
from vag_core.model.action import ActionStream
from vag_core.model.bridge import BridgeConfig, BridgeKind
from vag_core.model.vag import VagConfig
from vag_core.model.video import CLEAN_TIME, Prediction, VideoConfig, VideoStream


@pytest.fixture
def latents(recipe):
    generator = torch.Generator().manual_seed(3)
    shape = (2, recipe.model.vae.latent_channels, *recipe.model.latent_size)
    return [torch.randn(shape, generator=generator) for _ in range(2)]


@pytest.fixture
def text(random_model):
    return random_model.encode_text(['pick up the cube', 'put it down'])


def video_stream(recipe, **changes):
    torch.manual_seed(0)
    return VideoStream(dataclasses.replace(recipe.model.video, **changes)).eval()


TIMES = torch.tensor([0.3, 0.9])


def test_the_estimate_carries_the_clean_first_frame(random_model, latents, text):
    clean, sample = latents
    estimate = random_model.video(sample, TIMES, clean[:, :, :1], text)
    assert torch.equal(estimate[:, :, 0], clean[:, :, 0])


def test_noise_in_the_first_frame_is_ignored(random_model, latents, text):
    clean, sample = latents
    changed = sample.clone()
    changed[:, :, 0] += 5
    one, other = (random_model.video(x, TIMES, clean[:, :, :1], text) for x in (sample, changed))
    assert torch.equal(one, other)


def test_the_clean_frame_has_a_time_and_a_mask_of_its_own(recipe, latents, text):
    stream = video_stream(recipe)
    seen = {}
    original = stream.network.forward

    def spy(latent, times, text, mask):
        seen.update(times=times, mask=mask, latent=latent)
        return original(latent, times, text, mask)

    stream.network.forward = spy
    clean, sample = latents
    stream(sample, TIMES, clean[:, :, :1], text)
    assert pytest.approx(1e-4 / (1 + 1e-4)) == CLEAN_TIME
    torch.testing.assert_close(seen['times'][:, 0], torch.full((2,), CLEAN_TIME))
    assert torch.equal(seen['times'][:, 1:], TIMES[:, None].expand(-1, 2))
    assert seen['mask'].flatten().tolist() == [1, 0, 0]
    assert torch.equal(seen['latent'][:, :, 0], clean[:, :, 0])
    assert torch.equal(seen['latent'][:, :, 1:], sample[:, :, 1:])


def test_a_velocity_network_is_read_as_sample_minus_t_times_velocity(recipe, latents, text):
    clean, sample = latents
    velocity, output = (
        video_stream(recipe, prediction=prediction, residual=False)(
            sample, TIMES, clean[:, :, :1], text
        )
        for prediction in (Prediction.VELOCITY, Prediction.CLEAN)
    )
    expected = flow.clean_estimate(sample, output, TIMES[:, None, None, None, None])
    torch.testing.assert_close(velocity[:, :, 1:], expected[:, :, 1:])


def test_an_untrained_residual_prediction_repeats_the_first_frame(recipe, latents, text):
    stream = video_stream(recipe)
    stream.network.initialise()
    clean, sample = latents
    estimate = stream(sample, TIMES, clean[:, :, :1], text)
    assert torch.equal(estimate, clean[:, :, :1].expand_as(clean))


def test_a_residual_velocity_is_refused():
    with pytest.raises(ConfigError, match='residual'):
        VideoConfig(residual=True)


@pytest.mark.parametrize('kind', list(BridgeKind))
def test_the_action_loss_never_reaches_the_video_stream(recipe, latents, text, kind):
    video = video_stream(recipe)
    bridge = BridgeConfig(kind=kind, pool_size=(2, 2, 2), grid=(2, 3), channels=8)
    action = ActionStream(
        dataclasses.replace(recipe.model.action, bridge=bridge), recipe.model.vae.latent_channels
    )
    clean, sample = latents
    estimate = video(sample, TIMES, clean[:, :, :1], text)
    assert estimate.requires_grad
    actions = torch.randn(2, recipe.model.padded_steps, 14)
    action(actions, TIMES, estimate).square().mean().backward()
    assert all(parameter.grad is None for parameter in video.parameters())
    assert all(parameter.grad is not None for parameter in action.parameters())


def test_a_velocity_action_network_keeps_the_sample_at_time_zero(recipe, latents):
    cfg = dataclasses.replace(recipe.model.action, prediction=Prediction.VELOCITY)
    action = ActionStream(cfg, recipe.model.vae.latent_channels)
    actions = torch.randn(2, recipe.model.padded_steps, 14)
    assert torch.equal(action(actions, torch.zeros(2), latents[0]), actions)


def test_the_full_size_has_the_published_latent():
    cfg = load(VagConfig, {'action': {'dimension': 14}})
    assert cfg.latent_size == (24, 54, 96)
    assert cfg.padded_steps == 96


def test_a_configuration_survives_yaml_types(recipe):
    assert load(VagConfig, to_mapping(recipe.model)) == recipe.model


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'frames': 92}, 'frames = 92'),
        ({'width': 40}, 'width = 40: must be a multiple of 16'),
        ({'text': {'dim': 9, 'length': 4}}, 'the text has 9'),
        ({'vae': {'latent_channels': 8}}, 'the VAE has 8'),
        ({'sampler': {'steps': 0}}, 'steps = 0'),
        ({'sampler': {'guidance': -1.0}}, 'guidance = -1.0'),
        ({'frames': 401}, 'max_size'),
        ({'image_fit': 'zoom'}, 'image_fit'),
        ({'speed': 3}, 'speed'),
    ],
)
def test_parts_that_do_not_fit_are_refused(recipe, change, message):
    with pytest.raises(ConfigError, match=message):
        load(VagConfig, {**to_mapping(recipe.model), **change})
