"""The loop of both streams with random weights."""

import dataclasses

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.flow import Grid, Solver, time_grid
from vag_core.sample import GuidanceForm, SamplerConfig, denoise, draw_noise


def test_noise_depends_on_the_seed_alone(random_model):
    video, actions = draw_noise(random_model, [3, 4])
    again_video, again_actions = draw_noise(random_model, [9, 8, 4])
    assert torch.equal(video[1], again_video[2])
    assert torch.equal(actions[1], again_actions[2])
    assert actions.shape == (2, 10, 14)


def streams(random_model, with_actions=True, **changes):
    """Run the loop and return what both networks were asked."""
    cfg = random_model.cfg
    sampler = dataclasses.replace(cfg.sampler, **changes)
    noise = draw_noise(random_model, [1])
    if not with_actions:
        noise = (noise[0], None)
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


def test_the_video_can_be_sampled_alone(random_model):
    both, _ = streams(random_model, guidance=2.0)
    alone, calls = streams(random_model, guidance=2.0, with_actions=False)
    assert not calls['action']
    assert all(estimate.actions is None for estimate in alone)
    assert torch.equal(both[-1].video, alone[-1].video)


@pytest.mark.parametrize(
    ('form', 'none'), [(GuidanceForm.COSMOS, 0.0), (GuidanceForm.STANDARD, 1.0)]
)
def test_both_forms_of_guidance_have_a_value_that_is_none(random_model, form, none):
    calls = streams(random_model, guidance=none, guidance_form=form)[1]
    assert len(calls['video']) == 5


def test_the_standard_scale_is_one_more_than_that_of_cosmos(random_model):
    cosmos = streams(random_model, guidance=3.0)[0][-1]
    standard = streams(random_model, guidance=4.0, guidance_form=GuidanceForm.STANDARD)[0][-1]
    assert torch.equal(cosmos.video, standard.video)


def test_a_standard_scale_of_zero_is_the_unconditional_estimate(random_model):
    estimates, calls = streams(
        random_model, guidance=0.0, guidance_form=GuidanceForm.STANDARD, steps=1
    )
    with torch.inference_mode():
        expected = random_model.video(*calls['video'][1])
    torch.testing.assert_close(estimates[0].video, expected)


def test_without_a_final_evaluation_the_samples_are_the_result(random_model):
    clean, _ = streams(random_model, solver=Solver.EULER)
    raw, calls = streams(random_model, solver=Solver.EULER, final_clean=False)
    assert len(raw) == len(clean) == 5
    assert len(calls['video']) == len(calls['action']) == 4
    assert torch.equal(raw[3].video, clean[3].video)
    sigmas = [t / (1 - t) for t in time_grid(4)]
    samples = [sigmas[0] * noise for noise in draw_noise(random_model, [1])]
    for estimate, here, there in zip(raw, sigmas, sigmas[1:], strict=False):
        ratio = there / here
        samples = [
            ratio * x + (1 - ratio) * x0
            for x, x0 in zip(samples, (estimate.video, estimate.actions), strict=True)
        ]
    torch.testing.assert_close(raw[-1].video, samples[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(raw[-1].actions, samples[1], rtol=1e-4, atol=1e-5)


def test_the_step_of_diffusers_grid_that_does_nothing_is_not_run(random_model):
    estimates, calls = streams(random_model, grid=Grid.DIFFUSERS, final_clean=False)
    assert [e.t for e in estimates] == pytest.approx(list(time_grid(4, grid=Grid.DIFFUSERS)))
    assert len(estimates) == 4
    assert len(calls['video']) == 3


@pytest.mark.parametrize(
    ('options', 'passes'),
    [({}, 72), ({'grid': Grid.DIFFUSERS, 'final_clean': False}, 68), ({'guidance': 0.0}, 36)],
)
def test_35_steps_cost_the_known_number_of_video_passes(options, passes):
    sampler = SamplerConfig(**options)
    assert sampler.evaluations * (2 if sampler.extrapolation else 1) == passes


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


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'steps': 0}, 'steps = 0'),
        ({'steps': 1, 'grid': Grid.DIFFUSERS}, 'steps = 1: must be at least 2'),
        ({'guidance': float('nan')}, 'guidance = nan'),
        ({'guidance': float('inf')}, 'guidance = inf'),
        ({'guidance': -1.0}, 'guidance = -1.0'),
        ({'sigma_max': float('inf')}, 'sigma_max = inf'),
        ({'sigma_min': 90.0}, 'sigma_min = 90.0'),
        ({'rho': 0.0}, 'rho = 0.0'),
    ],
)
def test_a_sampler_without_meaning_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        SamplerConfig(**change)
