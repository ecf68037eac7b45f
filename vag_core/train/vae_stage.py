"""Train the light VAE and set the statistics of its latents."""

import torch
from torch import Tensor

from vag_core.model.vae import LightVae
from vag_core.train.demonstrations import Demonstrations
from vag_core.train.loop import OnStep, frozen, optimise
from vag_core.train.recipe import VaeTraining

# A pixel belongs to the foreground when one of its colours differs by more than this, of 255.
FOREGROUND_DIFFERENCE = 24


def train_vae(
    vae: LightVae,
    data: Demonstrations,
    cfg: VaeTraining,
    *,
    generator: torch.Generator,
    seconds: float | None = None,
    on_step: OnStep | None = None,
) -> list[float]:
    """Train on groups of four frames, then normalise; return the loss at each step."""
    groups = vae.group(data.video.transpose(1, 2)).flatten(0, 1)
    background = median_picture(data.video).repeat_interleave(4, dim=0)

    def loss() -> Tensor:
        index = torch.randint(len(groups), (cfg.stage.batch,), generator=generator)
        pixels = groups[index]
        foreground = (pixels.int() - background.int()).abs() > FOREGROUND_DIFFERENCE
        weight = 1 + cfg.foreground_weight * foreground.unflatten(1, (3, 4)).amax(1).float()
        target = pixels.float() / 127.5 - 1
        mean, log_variance = vae.posterior(target)
        mean, log_variance = mean.float(), log_variance.float()
        noise = torch.randn(mean.shape, generator=generator)
        output = vae.reconstruct(mean + noise * (0.5 * log_variance).exp()).float()
        error = (output - target).unflatten(1, (3, 4))
        distance = (weight[:, None] * (error.abs() + error.square())).mean() / weight.mean()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return distance + cfg.kl_weight * divergence

    history = optimise(vae, loss, cfg.stage, seconds, on_step)
    means = []
    with frozen(vae):
        for batch in groups.split(64):
            means.append(vae.posterior(batch.float() / 127.5 - 1)[0].float())
    means = torch.cat(means)
    vae.normalise_to(means.mean((0, 2, 3)), means.std((0, 2, 3)))
    return history


def median_picture(video: Tensor, pictures: int = 64) -> Tensor:
    """Return the (3, H, W) median over about ``pictures`` frames of (N, T, 3, H, W)."""
    frames = video.flatten(0, 1)
    return frames[:: max(1, len(frames) // pictures)].median(dim=0).values


def encode_demonstrations(vae: LightVae, video: Tensor) -> Tensor:
    """Return the (N, C, T', h, w) float32 latents of (N, T, 3, H, W) uint8 videos."""
    with torch.no_grad():
        return torch.cat([vae.encode(v[None].transpose(1, 2).float() / 127.5 - 1) for v in video])
