"""Losses of the streams and the estimates that the action stream is trained on."""

import dataclasses

import pytest
import torch

from vag_core.flow import time_grid
from vag_core.model.vag import Vag
from vag_core.train.action_stage import collect_estimates, train_action
from vag_core.train.recipe import NoiseConfig
from vag_core.train.video_stage import train_video

HALF = NoiseConfig(mean=0.0, std=1e-6)


def seeded():
    return torch.Generator().manual_seed(5)


@pytest.fixture
def model(recipe):
    torch.manual_seed(0)
    return Vag(recipe.model).eval()


@pytest.fixture
def latents(recipe):
    shape = (2, recipe.model.vae.latent_channels, *recipe.model.latent_size)
    return torch.randn(shape, generator=seeded())


@pytest.fixture
def text(model):
    return model.encode_text(['pick up the cube', 'put it down'])


def test_rollouts_are_kept_at_every_time_of_the_sampler_s_grid(model, latents, text, recipe):
    cfg = dataclasses.replace(recipe.training.action, estimates=0, rollouts=1)
    found = collect_estimates(model, latents, text, cfg, seeded())
    grid = torch.from_numpy(time_grid(recipe.model.sampler.steps)).float()
    for episode in (0, 1):
        assert torch.equal(found.times[found.episode == episode], grid)


def test_one_step_estimates_carry_the_clean_first_frame(model, latents, text, recipe):
    cfg = dataclasses.replace(recipe.training.action, estimates=3, rollouts=0)
    found = collect_estimates(model, latents, text, cfg, seeded())
    assert found.episode.bincount().tolist() == [3, 3]
    first = latents[found.episode][:, :, 0].bfloat16()
    assert torch.equal(found.latent[:, :, 0], first)


def test_without_estimates_it_trains_on_true_latents(model, latents, text, recipe):
    cfg = dataclasses.replace(recipe.training.action, estimates=0, rollouts=0, true_share=1.0)
    found = collect_estimates(model, latents, text, cfg, seeded())
    assert len(found) == 0
    actions = torch.zeros(2, recipe.model.frames, 14)
    losses = train_action(model, actions, latents, found, cfg, generator=seeded())
    assert len(losses) == cfg.stage.steps


def first_video_loss(model, latents, text, recipe, **changes):
    cfg = dataclasses.replace(recipe.training.video, noise=HALF, **changes)
    return train_video(model.video, latents, text, cfg, generator=seeded())[0]


def test_the_velocity_loss_of_the_video_is_the_clean_loss_over_t_squared(
    model, latents, text, recipe
):
    clean, velocity = (
        first_video_loss(model, latents, text, recipe, velocity_loss=v) for v in (False, True)
    )
    assert velocity == pytest.approx(4 * clean, rel=1e-4)


def test_the_velocity_loss_of_the_actions_is_the_clean_loss_over_t_squared(latents, text, recipe):
    losses = []
    for velocity_loss in (False, True):
        torch.manual_seed(0)
        model = Vag(recipe.model).eval()
        cfg = dataclasses.replace(
            recipe.training.action, noise=HALF, true_share=1.0, velocity_loss=velocity_loss
        )
        found = collect_estimates(model, latents, text, cfg, seeded())
        actions = torch.zeros(2, recipe.model.frames, 14)
        losses.append(train_action(model, actions, latents, found, cfg, generator=seeded())[0])
    assert losses[1] == pytest.approx(4 * losses[0], rel=1e-4)
