"""The synchronised sampler with random weights."""

import dataclasses

import numpy as np
import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.flow import time_grid
from vag_core.generate import (
    GenerationCancelled,
    Request,
    Stage,
    denoise,
    draw_noise,
    generate,
)

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 70, 3), dtype=np.uint8)


def request(seed=1, instruction='pick up the red cube', **options):
    return Request(IMAGE, instruction, seed, **options)


def test_an_episode_has_the_checkpoint_s_shape(checkpoint):
    made = generate(checkpoint, [request()])[0]
    assert made.video.shape == (9, 32, 48, 3)
    assert made.video.dtype == np.uint8
    assert made.actions.shape == (9, 14)
    assert made.actions.dtype == np.float32
    assert np.isfinite(made.actions).all()
    assert set(made.timings) == {stage.value for stage in Stage}


def test_the_same_seed_gives_the_same_episode(checkpoint):
    one, other = (generate(checkpoint, [request(seed=7)])[0] for _ in range(2))
    np.testing.assert_array_equal(one.actions, other.actions)
    np.testing.assert_array_equal(one.video, other.video)


def test_another_seed_gives_another_episode(checkpoint):
    one, other = generate(checkpoint, [request(seed=1), request(seed=2)])
    assert np.abs(one.actions - other.actions).max() > 1e-3


def test_another_instruction_gives_another_episode(checkpoint):
    one, other = generate(checkpoint, [request(), request(instruction='open the drawer')])
    assert np.abs(one.actions - other.actions).max() > 1e-6


def test_an_episode_does_not_depend_on_the_others_in_its_batch(checkpoint):
    alone = generate(checkpoint, [request(seed=5)])[0]
    among = generate(checkpoint, [request(seed=4), request(seed=5), request(seed=6)])[1]
    np.testing.assert_allclose(among.actions, alone.actions, atol=1e-5)


def test_requests_with_other_steps_keep_their_order(checkpoint):
    mixed = generate(checkpoint, [request(seed=1), request(seed=2, steps=2), request(seed=3)])
    for made, single in zip(
        mixed, (request(seed=1), request(seed=2, steps=2), request(seed=3)), strict=True
    ):
        expected = generate(checkpoint, [single])[0]
        np.testing.assert_allclose(made.actions, expected.actions, atol=1e-5)


def test_noise_depends_on_the_seed_alone(random_model):
    video, actions = draw_noise(random_model, [3, 4])
    again_video, again_actions = draw_noise(random_model, [9, 8, 4])
    assert torch.equal(video[1], again_video[2])
    assert torch.equal(actions[1], again_actions[2])
    assert actions.shape == (2, 10, 14)


def test_progress_is_reported_after_every_step(checkpoint):
    seen = []
    generate(checkpoint, [request()], seen.append)
    assert [(p.stage, p.step, p.total) for p in seen] == [
        (Stage.ENCODING, 1, 1),
        *((Stage.DENOISING, step, 5) for step in range(1, 6)),
        (Stage.DECODING, 1, 1),
    ]
    for progress in seen[1:-1]:
        assert progress.preview.shape == (32, 48, 3)
        assert progress.preview.dtype == np.uint8


def test_progress_does_not_change_the_result(checkpoint):
    silent = generate(checkpoint, [request()])[0]
    reported = generate(checkpoint, [request()], lambda progress: None)[0]
    np.testing.assert_array_equal(silent.actions, reported.actions)


def test_the_last_preview_is_the_last_frame_of_the_video(checkpoint):
    seen = []
    made = generate(checkpoint, [request()], seen.append)[0]
    assert np.abs(seen[-2].preview.astype(int) - made.video[-1]).max() <= 1


@pytest.mark.parametrize('steps_before', [0, 1, 3])
def test_cancelling_ends_within_one_step(checkpoint, steps_before):
    seen = []

    def denoised():
        return sum(p.stage is Stage.DENOISING for p in seen)

    with pytest.raises(GenerationCancelled):
        generate(checkpoint, [request()], seen.append, lambda: denoised() >= steps_before)
    assert denoised() == steps_before
    assert seen[-1:] == [] or seen[-1].stage is not Stage.DECODING


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


def test_steps_and_guidance_out_of_range_are_refused(checkpoint):
    with pytest.raises(ConfigError, match='steps = 0'):
        generate(checkpoint, [request(steps=0)])
    with pytest.raises(ConfigError, match=r'guidance = -0\.5'):
        generate(checkpoint, [request(guidance=-0.5)])


def test_no_request_is_no_work(checkpoint):
    assert generate(checkpoint, []) == []
