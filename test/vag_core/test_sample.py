"""The loop of both streams with random weights."""

import dataclasses

import pytest
import torch

from vag_core.flow import time_grid
from vag_core.sample import denoise, draw_noise


def test_noise_depends_on_the_seed_alone(random_model):
    video, actions = draw_noise(random_model, [3, 4])
    again_video, again_actions = draw_noise(random_model, [9, 8, 4])
    assert torch.equal(video[1], again_video[2])
    assert torch.equal(actions[1], again_actions[2])
    assert actions.shape == (2, 10, 14)


def streams(random_model, **changes):
    """Run the loop and return what both networks were asked."""
    cfg = random_model.cfg
    sampler = dataclasses.replace(cfg.sampler, **changes)
    noise = draw_noise(random_model, [1])
    generator = torch.Generator().manual_seed(2)
    first = torch.randn(1, cfg.vae.latent_channels, 1, *cfg.latent_size[1:], generator=generator)
    text = random_model.encode_text(['pick up the cube'])
    calls = {'video': [], 'action': []}
    hooks = [
        getattr(random_model, name).register_forward_pre_hook(
            lambda module, args, name=name: calls[name].append(args)
        )
        for name in calls
    ]
    try:
        with torch.inference_mode():
            estimates = list(denoise(random_model, first, text, noise, sampler))
    finally:
        for hook in hooks:
            hook.remove()
    return estimates, calls


def test_both_streams_are_evaluated_at_the_same_times_and_once_more_than_steps(random_model):
    estimates, calls = streams(random_model)
    grid = time_grid(4)
    for name in calls:
        assert [float(args[1]) for args in calls[name]] == pytest.approx(list(grid))
    assert [t for t, *_ in estimates] == pytest.approx(list(grid))


def test_the_action_stream_sees_the_video_estimate_of_the_same_step(random_model):
    estimates, calls = streams(random_model)
    for (_, video, seen, _), args in zip(estimates, calls['action'], strict=True):
        assert torch.equal(args[2], video)
        assert torch.equal(args[2], seen)


def test_the_bridge_can_see_the_conditional_estimate_under_guidance(random_model, monkeypatch):
    action = dataclasses.replace(random_model.cfg.action, guided_bridge=False)
    monkeypatch.setattr(random_model, 'cfg', dataclasses.replace(random_model.cfg, action=action))
    conditional = streams(random_model, guidance=0.0, steps=1)[0][0][1]
    estimates, calls = streams(random_model, guidance=3.0, steps=1)
    assert torch.equal(calls['action'][0][2], conditional)
    for (_, video, seen, _), args in zip(estimates, calls['action'], strict=True):
        assert torch.equal(args[2], seen)
        assert not torch.allclose(video, seen)


def test_without_guidance_the_video_stream_runs_once_a_step(random_model):
    assert len(streams(random_model, guidance=0.0)[1]['video']) == 5


def test_guidance_adds_a_pass_without_text_and_keeps_the_image(random_model):
    calls = streams(random_model, guidance=2.0)[1]['video']
    assert len(calls) == 10
    for conditional, unconditional in zip(calls[::2], calls[1::2], strict=True):
        assert conditional[3].any()
        assert not unconditional[3].any()
        assert torch.equal(conditional[2], unconditional[2])


def test_guidance_extrapolates_from_the_unconditional_estimate(random_model):
    first_steps = [streams(random_model, guidance=g, steps=1)[0][0][1] for g in (0.0, 1.0, 2.0)]
    torch.testing.assert_close(
        first_steps[2] - first_steps[1], first_steps[1] - first_steps[0], atol=1e-4, rtol=1e-3
    )
