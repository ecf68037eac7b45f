"""The action stream on a finished video."""

import dataclasses

import numpy as np
import pytest
import torch

from vag_core.baselines.after_video import AfterVideoReader, actions_after_video
from vag_core.flow import Solver
from vag_core.generate import Request, generate
from vag_core.sample import denoise, draw_noise


@pytest.fixture
def latent(random_model):
    cfg = random_model.cfg
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, cfg.vae.latent_channels, *cfg.latent_size, generator=generator)


@pytest.mark.parametrize('solver', Solver)
@pytest.mark.parametrize('final_clean', [True, False])
def test_it_equals_the_synchronous_actions_when_the_video_estimate_is_constant(
    random_model, latent, monkeypatch, solver, final_clean
):
    sampler = dataclasses.replace(random_model.cfg.sampler, solver=solver, final_clean=final_clean)
    noise = draw_noise(random_model, [1, 2])
    text = random_model.encode_text(['pick up the cube', 'lift the tray'])
    monkeypatch.setattr(random_model.video, 'forward', lambda *_: latent)
    with torch.inference_mode():
        *_, together = denoise(random_model, latent[:, :, :1], text, noise, sampler)
        after = actions_after_video(random_model, latent, text, noise[1], sampler)
    assert torch.equal(after, together.actions)
    assert after.shape == (2, 10, 14)


def test_every_step_sees_the_finished_video_and_none_the_video_stream(random_model, latent):
    asked = []
    hook = random_model.action.register_forward_pre_hook(lambda module, args: asked.append(args))
    forbidden = random_model.video.register_forward_pre_hook(lambda *_: pytest.fail('evaluated'))
    text = random_model.encode_text(['pick up the cube'] * 2)
    sampler = random_model.cfg.sampler
    try:
        with torch.inference_mode():
            actions_after_video(
                random_model, latent, text, draw_noise(random_model, [1, 2])[1], sampler
            )
    finally:
        hook.remove()
        forbidden.remove()
    assert all(torch.equal(args[2], latent) for args in asked)
    assert [float(args[1][0]) for args in asked] == pytest.approx(list(sampler.times))


@pytest.fixture
def video():
    return np.random.default_rng(0).integers(256, size=(9, 32, 48, 3), dtype=np.uint8)


def test_a_reader_encodes_pixels_and_gives_actions_in_units(checkpoint, video):
    reader = AfterVideoReader(checkpoint, 'pick up the cube', seed=3)
    actions = reader.read(video)
    assert actions.shape == (9, 14)
    assert actions.dtype == np.float32
    with torch.inference_mode():
        pixels = torch.from_numpy(video).movedim(-1, 0)[None] / 127.5 - 1
        latent = checkpoint.model.vae.encode(pixels)
        text = checkpoint.model.encode_text(['pick up the cube'])
        noise = draw_noise(checkpoint.model, [3])[1]
        sampler = checkpoint.model.cfg.sampler
        expected = actions_after_video(checkpoint.model, latent, text, noise, sampler)
    found = checkpoint.normaliser.restore(expected[0, :9].numpy())
    np.testing.assert_array_equal(actions, found)


def test_a_reader_differs_from_generation_in_what_the_bridge_sees_alone(checkpoint, video):
    made = generate(checkpoint, [Request(video[0], 'pick up the cube', 3)])[0]
    reader = AfterVideoReader(checkpoint, 'pick up the cube', seed=3)
    actions = reader.read(made.video)
    assert not np.array_equal(actions, made.actions)
    assert np.isfinite(actions).all()


def test_a_reader_takes_a_latent_that_was_never_decoded(checkpoint, video, monkeypatch):
    made = generate(checkpoint, [Request(video[0], 'pick up the cube', 3)])[0]
    latent = torch.from_numpy(made.latent)[None]
    reader = AfterVideoReader(checkpoint, 'pick up the cube', seed=3)
    actions = reader.read_latent(made.latent)
    # Generated anew around a video stream that has finished, the actions are the same.
    monkeypatch.setattr(checkpoint.model.video, 'forward', lambda *_: latent)
    again = generate(checkpoint, [Request(video[0], 'pick up the cube', 3)])[0]
    np.testing.assert_array_equal(actions, again.actions)


def test_a_latent_of_another_shape_is_refused(checkpoint):
    with pytest.raises(ValueError, match=r'latent: shape \(1, 2, 3, 4\), checkpoint random has'):
        AfterVideoReader(checkpoint, 'pick up the cube').read_latent(np.zeros((1, 2, 3, 4)))


def test_a_video_of_another_length_is_refused(checkpoint, video):
    with pytest.raises(ValueError, match='5 frames, checkpoint random has 9'):
        AfterVideoReader(checkpoint, 'pick up the cube').read(video[:5])
