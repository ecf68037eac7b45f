"""Losses of the streams, and what the action stream is shown."""

import dataclasses

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.vag import Vag
from vag_core.train import losses
from vag_core.train.optimisation import StageConfig
from vag_core.train.recipe import (
    ActionLoss,
    ActionTraining,
    JointTraining,
    LossWeight,
    Tune,
    VaeTraining,
    VideoLoss,
    VideoTraining,
)

STAGE = StageConfig(steps=1, batch=1, learning_rate=0.1)


@pytest.fixture
def model(recipe):
    torch.manual_seed(0)
    return Vag(recipe.model)


@pytest.fixture
def batch(recipe, model):
    generator = torch.Generator().manual_seed(5)
    cfg = recipe.model

    def normal(*shape):
        return torch.randn(2, *shape, generator=generator)

    return {
        'episode': torch.arange(2),
        'latent': normal(cfg.vae.latent_channels, *cfg.latent_size),
        'noise': normal(cfg.vae.latent_channels, *cfg.latent_size),
        'time': torch.full((2,), 0.5),
        'keep_text': torch.ones(2),
        'text': model.encode_text(['pick up the cube', 'put it down']),
        'actions': normal(cfg.padded_steps, 14),
        'action_noise': normal(cfg.padded_steps, 14),
        'action_time': torch.full((2,), 0.5),
        'start_state': normal(14),
    }


def test_the_velocity_weight_is_the_clean_one_over_t_squared(model, batch):
    estimate = losses.estimate_video(model, batch)
    for loss, cfg in (
        (lambda c: losses.video_loss(estimate, batch, c), VideoLoss),
        (lambda c: losses.action_loss(model, estimate, batch, c), ActionLoss),
    ):
        clean, velocity = (loss(cfg(weight=w)) for w in (LossWeight.CLEAN, LossWeight.VELOCITY))
        torch.testing.assert_close(velocity, 4 * clean)


def test_the_given_first_frame_counts_in_no_loss(model, batch):
    estimate = losses.estimate_video(model, batch)
    before = losses.video_loss(estimate, batch, VideoLoss())
    estimate = estimate.clone()
    estimate[:, :, 0] += 1
    assert losses.video_loss(estimate, batch, VideoLoss()) == before


def test_dropped_text_is_no_text(model, batch):
    dropped = losses.estimate_video(model, {**batch, 'keep_text': torch.zeros(2)})
    silent = losses.estimate_video(model, {**batch, 'text': torch.zeros_like(batch['text'])})
    assert torch.equal(dropped, silent)


def test_the_joint_loss_is_the_sum_of_both(model, batch):
    estimate = losses.estimate_video(model, batch)
    cfg = JointTraining(
        stage=STAGE, video=VideoLoss(scale=10.0), action=ActionLoss(acceleration_weight=2.0)
    )
    expected = losses.video_loss(estimate, batch, cfg.video)
    expected = expected + losses.action_loss(model, estimate, batch, cfg.action)
    torch.testing.assert_close(losses.joint_loss(model, batch, cfg), expected)


def test_in_joint_training_the_action_loss_never_reaches_the_video_stream(model, batch):
    cfg = JointTraining(stage=STAGE)
    video = losses.video_loss(losses.estimate_video(model, batch), batch, cfg.video)
    alone = torch.autograd.grad(video, list(model.video.parameters()), allow_unused=True)
    joint = losses.joint_loss(model, batch, cfg)
    both = torch.autograd.grad(joint, list(model.video.parameters()), allow_unused=True)
    for first, second in zip(alone, both, strict=True):
        assert (first is None) == (second is None)
        assert first is None or torch.equal(first, second)


def test_beside_a_frozen_video_stream_only_the_action_stream_has_gradients(model, batch):
    cfg = JointTraining(stage=STAGE, video=VideoLoss(tune=Tune.FROZEN))
    losses.joint_loss(model, batch, cfg).backward()
    assert all(p.grad is None for p in model.video.parameters())
    assert any(p.grad is not None for p in model.action.parameters())


def test_each_picture_weighs_the_same_in_the_vae_s_loss(model, recipe):
    generator = torch.Generator().manual_seed(0)
    cfg = VaeTraining(stage=STAGE)
    pixels = torch.randint(256, (2, 12, 32, 48), generator=generator, dtype=torch.uint8)
    noise = torch.randn(2, model.vae.latent_channels, 4, 6, generator=generator)
    background = torch.zeros(3, 32, 48, dtype=torch.uint8)

    def loss(chosen):
        batch = {'pixels': pixels[chosen], 'noise': noise[chosen]}
        return losses.vae_loss(model.vae, batch, background, cfg)

    both = loss(slice(None))
    torch.testing.assert_close(both, (loss(slice(0, 1)) + loss(slice(1, 2))) / 2)


@pytest.mark.parametrize(
    ('kind', 'change', 'message'),
    [
        (VaeTraining, {'kl_weight': -1.0}, 'kl_weight'),
        (ActionTraining, {'true_share': -0.1}, 'true_share'),
        (ActionTraining, {'estimates': -1}, 'estimates'),
        (ActionTraining, {'estimates': 0, 'rollouts': 0, 'true_share': 0.5}, 'true_share'),
        (VideoTraining, {'loss': VideoLoss(tune=Tune.FROZEN)}, 'tune = frozen'),
        (JointTraining, {'action_learning_rate': 0.0}, 'action_learning_rate'),
    ],
)
def test_a_meaningless_stage_is_refused(kind, change, message):
    with pytest.raises(ConfigError, match=message):
        kind(stage=STAGE, **change)


@pytest.mark.parametrize(
    ('kind', 'change'),
    [
        (VideoLoss, {'text_dropout': 1.5}),
        (VideoLoss, {'scale': 0.0}),
        (ActionLoss, {'acceleration_weight': -1.0}),
    ],
)
def test_a_meaningless_loss_is_refused(kind, change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        kind(**change)


def test_a_training_without_stages_is_refused(recipe):
    with pytest.raises(ConfigError, match='at least one of vae, video, action, joint'):
        dataclasses.replace(recipe.training, vae=None, video=None, action=None)
    with pytest.raises(ConfigError, match='minimum_std'):
        dataclasses.replace(recipe.training, minimum_std=0.0)
