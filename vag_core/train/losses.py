"""Losses of the VAE and of both streams; each is a mean over the samples of a batch."""

import torch
from torch import Tensor

from vag_core import flow
from vag_core.model.vae import TIME_FACTOR, LightVae
from vag_core.model.vag import Vag
from vag_core.train.recipe import (
    ActionLoss,
    JointTraining,
    LossWeight,
    Tune,
    VaeTraining,
    VideoLoss,
)

# A pixel belongs to the foreground when one of its colours differs by more than this, of 255.
FOREGROUND_DIFFERENCE = 24

Batch = dict[str, Tensor]


def vae_loss(vae: LightVae, batch: Batch, background: Tensor, cfg: VaeTraining) -> Tensor:
    """Compare a reconstruction; pixels unlike the (3, H, W) ``background`` weigh more."""
    pixels = batch['pixels']
    still = background.to(pixels.device).repeat_interleave(TIME_FACTOR, dim=0).int()
    foreground = (pixels.int() - still).abs() > FOREGROUND_DIFFERENCE
    weight = 1 + cfg.foreground_weight * foreground.unflatten(1, (3, 4)).amax(1).float()
    target = pixels.float() / 127.5 - 1
    mean, log_variance = (value.float() for value in vae.posterior(target))
    output = vae.reconstruct(mean + batch['noise'] * (0.5 * log_variance).exp()).float()
    error = (output - target).unflatten(1, (3, 4))
    weighted = (weight[:, None] * (error.abs() + error.square())).mean((1, 2, 3, 4))
    distance = (weighted / weight.mean((1, 2, 3))).mean()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return distance + cfg.kl_weight * divergence


def estimate_video(model: Vag, batch: Batch) -> Tensor:
    """Return the video stream's clean estimate of noisy samples (B, C, T', h, w)."""
    clean = batch['latent']
    times = batch['time']
    sample = flow.noisy_sample(clean, batch['noise'], times[:, None, None, None, None])
    text = batch['text'] * batch['keep_text'][:, None, None]
    actions = noisy_actions(batch) if model.coupling is not None else None
    places = batch.get('places')
    return model.estimate_video(
        sample,
        times,
        clean[:, :, :1],
        text,
        actions=actions,
        action_times=batch['action_time'],
        places=None if places is None else places[0],
    )


def noisy_actions(batch: Batch) -> Tensor:
    """Return the actions (B, padded steps, D) at their noise levels."""
    times = batch.get('action_time', batch['time'])
    return flow.noisy_sample(batch['actions'], batch['action_noise'], times[:, None, None])


def video_loss(estimate: Tensor, batch: Batch, cfg: VideoLoss) -> Tensor:
    """Compare a clean estimate with the truth in all frames but the given first."""
    error = (estimate - batch['latent'])[:, :, 1:].square().mean((1, 2, 3, 4))
    return cfg.scale * (weight_at(batch['time'], cfg.weight) * error).mean()


def action_loss(model: Vag, video: Tensor, batch: Batch, cfg: ActionLoss) -> Tensor:
    """Compare the action stream's estimate, given a clean video, with the truth.

    ``video`` is detached by the bridge: this loss never reaches the video stream.
    """
    times = batch.get('action_time', batch['time'])
    estimate = model.action(
        noisy_actions(batch), times, video, batch['text'], batch['start_state']
    )
    error = (estimate - batch['actions'])[:, : model.cfg.frames]
    value = (weight_at(times, cfg.weight) * error.square().mean((1, 2))).mean()
    if cfg.acceleration_weight:
        value = value + cfg.acceleration_weight * error.diff(n=2, dim=1).square().mean()
    return cfg.scale * value


def joint_loss(model: Vag, batch: Batch, cfg: JointTraining) -> Tensor:
    """Add both losses; the action stream sees the video stream's estimate at the same time."""
    if cfg.video.tune is Tune.FROZEN:
        with torch.no_grad():
            estimate = estimate_video(model, batch)
        return action_loss(model, estimate, batch, cfg.action)
    estimate = estimate_video(model, batch)
    return video_loss(estimate, batch, cfg.video) + action_loss(
        model, estimate.detach(), batch, cfg.action
    )


def weight_at(times: Tensor, weight: LossWeight) -> Tensor:
    """Return the (B,) weights of squared errors of clean estimates at flow times (B,)."""
    return 1 / times.square() if weight is LossWeight.VELOCITY else torch.ones_like(times)
