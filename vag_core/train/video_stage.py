"""Train the video stream on latents."""

import torch
from torch import Tensor

from vag_core import flow
from vag_core.model.video import VideoStream
from vag_core.train.loop import OnStep, optimise
from vag_core.train.noise import sample_times
from vag_core.train.recipe import VideoTraining


def train_video(
    stream: VideoStream,
    latents: Tensor,
    text: Tensor,
    cfg: VideoTraining,
    *,
    generator: torch.Generator,
    seconds: float | None = None,
    on_step: OnStep | None = None,
) -> list[float]:
    """Train on (N, C, T', h, w) latents and (N, L, d) text; return the loss at each step."""
    stream.network.initialise()

    def loss() -> Tensor:
        index = torch.randint(len(latents), (cfg.stage.batch,), generator=generator)
        clean = latents[index]
        times = sample_times(cfg.noise, len(index), generator)
        noise = torch.randn(clean.shape, generator=generator)
        sample = flow.noisy_sample(clean, noise, times[:, None, None, None, None])
        keep = torch.rand(len(index), generator=generator) >= cfg.text_dropout
        estimate = stream(sample, times, clean[:, :, :1], text[index] * keep[:, None, None])
        error = (estimate - clean)[:, :, 1:].square().mean((1, 2, 3, 4))
        return (error / times.square() if cfg.velocity_loss else error).mean()

    return optimise(stream, loss, cfg.stage, seconds, on_step)
