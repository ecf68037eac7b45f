"""Train the action stream on true latents and on the video stream's own estimates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vag_core import flow
from vag_core.model.unet1d import pad_steps
from vag_core.model.vag import Vag
from vag_core.sample import denoise, draw_noise
from vag_core.train.loop import OnStep, frozen, optimise
from vag_core.train.noise import sample_times
from vag_core.train.recipe import ActionTraining

ESTIMATE_BATCH = 8


@dataclass(frozen=True, eq=False)
class Estimates:
    """M clean latent estimates of the video stream.

    Attributes:
        episode: (M,) index of the episode.
        times: (M,) flow time at which it was made.
        latent: (M, C, T', h, w) bfloat16.
    """

    episode: Tensor
    times: Tensor
    latent: Tensor

    def __len__(self) -> int:
        return len(self.times)


def collect_estimates(
    model: Vag, latents: Tensor, text: Tensor, cfg: ActionTraining, generator: torch.Generator
) -> Estimates:
    """Let the trained video stream estimate every episode, in one step and in real samplings."""
    episodes = torch.arange(len(latents))
    nothing = (episodes[:0], torch.empty(0), latents[:0].bfloat16())
    found: list[tuple[Tensor, Tensor, Tensor]] = [nothing]
    with frozen(model):
        for index in _batches(episodes, cfg.estimates):
            clean = latents[index]
            times = sample_times(cfg.noise, len(index), generator)
            noise = torch.randn(clean.shape, generator=generator)
            sample = flow.noisy_sample(clean, noise, times[:, None, None, None, None])
            estimate = model.video(sample, times, clean[:, :, :1], text[index])
            found.append((index, times, estimate.bfloat16()))
        for index in _batches(episodes, cfg.rollouts):
            seeds = torch.randint(2**31, (len(index),), generator=generator).tolist()
            noise = draw_noise(model, seeds)
            first = latents[index][:, :, :1]
            for t, _, estimate, _ in denoise(model, first, text[index], noise, model.cfg.sampler):
                found.append((index, torch.full((len(index),), t), estimate.bfloat16()))
    return Estimates(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _batches(episodes: Tensor, times: int) -> tuple[Tensor, ...]:
    return episodes.repeat(times).split(ESTIMATE_BATCH) if times else ()


def train_action(
    model: Vag,
    actions: Tensor,
    latents: Tensor,
    estimates: Estimates,
    cfg: ActionTraining,
    *,
    generator: torch.Generator,
    seconds: float | None = None,
    on_step: OnStep | None = None,
) -> list[float]:
    """Train on (N, T, D) normalised actions; return the loss at each step."""
    padded = pad_steps(actions, model.cfg.padded_steps)
    steps = actions.shape[1]
    count = cfg.stage.batch
    true_count = round(cfg.true_share * count)

    def loss() -> Tensor:
        true = torch.randint(len(latents), (true_count,), generator=generator)
        pick = torch.randint(max(1, len(estimates)), (count - true_count,), generator=generator)
        episode = torch.cat([true, estimates.episode[pick]])
        times = torch.cat([sample_times(cfg.noise, true_count, generator), estimates.times[pick]])
        video = torch.cat([latents[true], estimates.latent[pick].float()])
        clean = padded[episode]
        noise = torch.randn(clean.shape, generator=generator)
        sample = flow.noisy_sample(clean, noise, times[:, None, None])
        error = (model.action(sample, times, video) - clean)[:, :steps]
        weight = 1 / times.square() if cfg.velocity_loss else torch.ones_like(times)
        value = (weight * error.square().mean((1, 2))).mean()
        if cfg.acceleration_weight:
            value = value + cfg.acceleration_weight * error.diff(n=2, dim=1).square().mean()
        return value

    return optimise(model.action, loss, cfg.stage, seconds, on_step)
