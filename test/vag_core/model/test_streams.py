"""Both streams: conditioning on the first frame, meaning of the output, where gradients go."""

import dataclasses

import pytest
import torch

from vag_core import flow
from vag_core.configuration import ConfigError, load, to_mapping
from vag_core.model.action import ActionStream
from vag_core.model.bridge import BridgeConfig, BridgeKind
from vag_core.model.coupling import CouplingConfig, CouplingKind
from vag_core.model.vag import Vag, VagConfig
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

    def spy(latent, times, text, mask, places):
        seen.update(times=times, mask=mask, latent=latent)
        return original(latent, times, text, mask, places)

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


def test_two_latent_frames_can_be_given(recipe, latents, text):
    stream = video_stream(recipe, prediction=Prediction.VELOCITY, residual=False)
    clean, sample = latents
    changed = sample.clone()
    changed[:, :, :2] += 5
    one, other = (stream(x, TIMES, clean[:, :, :2], text) for x in (sample, changed))
    assert torch.equal(one, other)
    assert torch.equal(one[:, :, :2], clean[:, :, :2])


def test_estimates_stay_in_float32_where_the_weights_are_bfloat16(recipe, latents, text):
    clean, sample = latents
    changes = {'prediction': Prediction.VELOCITY, 'residual': False}
    exact = video_stream(recipe, **changes)(sample, TIMES, clean[:, :, :1], text)
    stream = video_stream(recipe, **changes).bfloat16()
    estimate = stream(sample, TIMES, clean[:, :, :1].bfloat16(), text.bfloat16())
    assert estimate.dtype == torch.float32
    torch.testing.assert_close(estimate, exact, atol=0.1, rtol=0.1)
    # Nearly without noise the estimate is the sample itself, to more digits than bfloat16 has.
    near = stream(sample, torch.full((2,), 1e-6), clean[:, :, :1], text)
    torch.testing.assert_close(near[:, :, 1:], sample[:, :, 1:], atol=1e-4, rtol=0)


def test_a_residual_velocity_is_refused():
    with pytest.raises(ConfigError, match='residual'):
        VideoConfig(residual=True)


@pytest.mark.parametrize('coupling', list(CouplingKind))
@pytest.mark.parametrize('kind', list(BridgeKind))
def test_the_action_loss_never_reaches_the_video_stream(recipe, latents, text, kind, coupling):
    bridge = BridgeConfig(kind=kind, pool_size=(2, 2, 2), grid=(2, 3), channels=8)
    cfg = dataclasses.replace(
        recipe.model,
        action=dataclasses.replace(recipe.model.action, bridge=bridge, text=True),
        coupling=CouplingConfig(kind=coupling),
    )
    torch.manual_seed(0)
    model = Vag(cfg)
    clean, sample = latents
    actions = torch.randn(2, cfg.padded_steps, 14)
    estimate = model.estimate(sample, actions, TIMES, clean[:, :, :1], text, guidance=2.0)
    assert estimate.video.requires_grad
    estimate.actions.square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.action.parameters())
    seers = [model.video] if model.coupling is None else [model.video, model.coupling]
    assert all(parameter.grad is None for part in seers for parameter in part.parameters())


def test_coupled_both_ways_the_video_loss_trains_the_action_tokens(recipe, latents, text):
    model = Vag(two_way(recipe.model))
    clean, sample = latents
    actions = torch.randn(2, recipe.model.padded_steps, 14)
    estimate = model.estimate(sample, actions, TIMES, clean[:, :, :1], text)
    estimate.video.square().mean().backward()
    assert model.coupling.proj.weight.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in model.action.parameters())


def two_way(cfg):
    return dataclasses.replace(cfg, coupling=CouplingConfig(kind=CouplingKind.TWO_WAY, width=8))


@pytest.mark.parametrize('coupled', [False, True])
def test_the_video_stream_sees_the_actions_only_when_it_is_coupled(recipe, latents, text, coupled):
    torch.manual_seed(0)
    model = Vag(two_way(recipe.model) if coupled else recipe.model).eval()
    if coupled:
        torch.nn.init.normal_(model.coupling.proj.weight)
    clean, sample = latents
    one, other = (
        model.estimate(sample, actions, TIMES, clean[:, :, :1], text).video
        for actions in torch.randn(2, 2, recipe.model.padded_steps, 14)
    )
    assert torch.equal(one, other) != coupled


def test_guidance_takes_the_text_away_and_keeps_the_actions(recipe, latents, text):
    torch.manual_seed(0)
    model = Vag(two_way(recipe.model)).eval()
    torch.nn.init.normal_(model.coupling.proj.weight)
    contexts = []
    model.video.register_forward_pre_hook(lambda module, args: contexts.append(args[3]))
    clean, sample = latents
    actions = torch.randn(2, recipe.model.padded_steps, 14)
    model.estimate(sample, actions, TIMES, clean[:, :, :1], text, guidance=2.0)
    (conditional, unconditional), length = contexts, text.shape[1]
    assert torch.equal(conditional[:, :length], text)
    assert not unconditional[:, :length].any()
    assert torch.equal(conditional[:, length:], unconditional[:, length:])
    assert torch.equal(conditional[:, length:], model.coupling(actions, TIMES))


def test_the_video_stream_runs_alone_unless_it_is_coupled(recipe, random_model, latents, text):
    clean, sample = latents
    arguments = (sample, None, TIMES, clean[:, :, :1], text)
    assert random_model.estimate(*arguments).actions is None
    with pytest.raises(ValueError, match='coupled both ways'):
        Vag(two_way(recipe.model)).estimate(*arguments)


def test_the_actions_can_have_noise_levels_of_their_own(random_model, latents, text):
    clean, sample = latents
    actions = torch.randn(2, random_model.cfg.padded_steps, 14)
    arguments = (sample, actions, TIMES, clean[:, :, :1], text)
    shared = random_model.estimate(*arguments)
    same = random_model.estimate(*arguments, action_times=TIMES)
    own = random_model.estimate(*arguments, action_times=torch.tensor([0.5, 0.1]))
    assert torch.equal(shared.actions, same.actions)
    assert torch.equal(shared.video, own.video)
    expected = random_model.action(actions, torch.tensor([0.5, 0.1]), shared.video)
    assert torch.equal(own.actions, expected)


def test_a_velocity_action_network_keeps_the_sample_at_time_zero(recipe, latents):
    cfg = dataclasses.replace(recipe.model.action, prediction=Prediction.VELOCITY)
    action = ActionStream(cfg, recipe.model.vae.latent_channels, 8)
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
        (
            {'action': {'dimension': 14, 'bridge': {'pool_size': [6, 6, 1]}}},
            r'action\.bridge\.global_dim = 132: expansion = tile of 144',
        ),
        ({'image_fit': 'zoom'}, 'image_fit'),
        ({'speed': 3}, 'speed'),
    ],
)
def test_parts_that_do_not_fit_are_refused(recipe, change, message):
    with pytest.raises(ConfigError, match=message):
        load(VagConfig, {**to_mapping(recipe.model), **change})
