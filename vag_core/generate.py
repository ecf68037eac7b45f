"""The synchronised sampler: from images and instructions to videos and their actions.

Video and actions are denoised in one loop on one time grid: at every step the video stream
estimates its clean latent, the action stream estimates its clean actions given that latent, and
the solver takes one step of each. The estimates at the last time of the grid are the result.
"""

import enum
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vag_core.flow import Integrator, time_grid
from vag_core.model.image_fit import fit_image, to_pixels, to_unit_range
from vag_core.model.vag import SamplerConfig, Vag

if TYPE_CHECKING:
    from vag_core.checkpoint import Checkpoint


class GenerationCancelled(Exception):  # noqa: N818  (an outcome that the caller asked for)
    """The caller asked to stop; nothing was generated."""


class Stage(enum.Enum):
    """What the sampler is doing."""

    ENCODING = 'encoding'
    DENOISING = 'denoising'
    DECODING = 'decoding'


@dataclass(frozen=True, eq=False)
class Request:
    """One episode to generate.

    Attributes:
        image: (H, W, 3) uint8 RGB of any size.
        instruction: what the robot shall do.
        seed: of the noise; any 64-bit integer.
        steps, guidance: None for the checkpoint's own.
    """

    image: np.ndarray
    instruction: str
    seed: int
    steps: int | None = None
    guidance: float | None = None


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a generation stands, after a finished step of ``total`` in ``stage``.

    ``preview`` is one (h, w, 3) uint8 RGB frame of the first request's present estimate, or
    None. Over the denoising steps it runs through the clip.
    """

    stage: Stage
    step: int
    total: int
    preview: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Generated:
    """One generated episode.

    Attributes:
        video: (T, H, W, 3) uint8 RGB.
        actions: (T, D) float32 in the embodiment's units.
        timings: seconds by stage; requests sampled together share them.
    """

    video: np.ndarray
    actions: np.ndarray
    timings: dict[str, float]


OnProgress = Callable[[Progress], None]


def draw_noise(model: Vag, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Draw the noise of each seed: first the video's, then the actions', from a CPU generator.

    So noise depends on the seed alone: not on the device, the batch or the number of threads.

    Returns:
        (B, C, T', h, w) and (B, padded steps, D), on the model's device.
    """
    cfg = model.cfg
    video, actions = [], []
    for seed in seeds:
        generator = torch.Generator('cpu').manual_seed(seed)
        video.append(torch.randn(cfg.vae.latent_channels, *cfg.latent_size, generator=generator))
        actions.append(torch.randn(cfg.padded_steps, cfg.action.dimension, generator=generator))
    return torch.stack(video).to(model.device), torch.stack(actions).to(model.device)


def denoise(
    model: Vag, first: Tensor, text: Tensor, noise: tuple[Tensor, Tensor], sampler: SamplerConfig
) -> Iterator[tuple[float, Tensor, Tensor, Tensor]]:
    """Run the dual stream down the time grid.

    Args:
        model: both streams.
        first: (B, C, 1, h, w) clean first latent frame.
        text: (B, L, d) tokens.
        noise: as :func:`draw_noise` returns it.
        sampler: steps, guidance, solver and grid.

    Yields:
        ``steps + 1`` times: the time t, the clean video estimate (B, C, T', h, w), the one of it
        that the bridge saw, and the clean action estimate (B, padded steps, D). The last are the
        result.
    """
    times = time_grid(sampler.steps, sampler.sigma_max, sampler.sigma_min, sampler.rho)
    video_steps, action_steps = (Integrator(times, sampler.solver) for _ in range(2))
    video, actions = (float(times[0]) * sample for sample in noise)
    dropped = torch.zeros_like(text)
    for index, t in enumerate(times):
        batch_times = torch.full((len(first),), float(t), device=first.device)
        conditional = model.video(video, batch_times, first, text)
        guided = conditional
        if sampler.guidance:
            unconditional = model.video(video, batch_times, first, dropped)
            guided = conditional + sampler.guidance * (conditional - unconditional)
        seen = guided if model.cfg.action.guided_bridge else conditional
        clean_actions = model.action(actions, batch_times, seen)
        yield float(t), guided, seen, clean_actions
        if index < sampler.steps:
            video = video_steps.step(index, video, guided)
            actions = action_steps.step(index, actions, clean_actions)


@torch.inference_mode()
def generate(
    checkpoint: 'Checkpoint',
    requests: Sequence[Request],
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Generated]:
    """Generate one episode for each request, in their order.

    Requests that agree in steps and guidance are sampled as one batch.

    Args:
        checkpoint: the loaded model.
        requests: what to generate.
        on_progress: called after the encoding, after every denoising step and after the decoding.
        cancelled: asked before every step; True ends the generation.

    Raises:
        GenerationCancelled: ``cancelled`` returned True.
        ValueError: an image is no RGB picture, or steps or guidance are out of range.
    """
    groups: dict[SamplerConfig, list[int]] = {}
    for index, request in enumerate(requests):
        groups.setdefault(_sampler_of(checkpoint.model.cfg.sampler, request), []).append(index)
    results: dict[int, Generated] = {}
    for sampler, members in groups.items():
        batch = [requests[index] for index in members]
        made = _generate_batch(checkpoint, batch, sampler, on_progress, cancelled)
        results.update(zip(members, made, strict=True))
    return [results[index] for index in range(len(requests))]


def _sampler_of(default: SamplerConfig, request: Request) -> SamplerConfig:
    changes = {
        field: getattr(request, field)
        for field in ('steps', 'guidance')
        if getattr(request, field) is not None
    }
    return replace(default, **changes)


def _generate_batch(
    checkpoint: 'Checkpoint',
    requests: Sequence[Request],
    sampler: SamplerConfig,
    on_progress: OnProgress | None,
    cancelled: Callable[[], bool] | None,
) -> list[Generated]:
    model = checkpoint.model
    cfg = model.cfg
    clock = time.perf_counter
    timings = {}

    def check() -> None:
        if cancelled is not None and cancelled():
            raise GenerationCancelled

    def report(stage: Stage, step: int, total: int, preview: np.ndarray | None = None) -> None:
        if on_progress is not None:
            on_progress(Progress(stage, step, total, preview))

    check()
    started = clock()
    images = np.stack([fit_image(r.image, cfg.height, cfg.width, cfg.image_fit) for r in requests])
    # The VAE is causal: the first frame alone gives the exact first latent frame.
    first = model.vae.encode(to_unit_range(images).to(model.device)[:, :, None])
    text = model.encode_text([request.instruction for request in requests])
    noise = draw_noise(model, [request.seed for request in requests])
    timings[Stage.ENCODING.value] = clock() - started
    report(Stage.ENCODING, 1, 1)

    started = clock()
    check()
    total = sampler.steps + 1
    for step, estimates in enumerate(denoise(model, first, text, noise, sampler), 1):
        _, video, _, actions = estimates
        if on_progress is not None:
            frame = video[:1, :, (video.shape[2] - 1) * step // total]
            report(Stage.DENOISING, step, total, to_pixels(model.vae.preview(frame))[0])
        check()
    timings[Stage.DENOISING.value] = clock() - started

    started = clock()
    pixels = to_pixels(model.vae.decode(video).transpose(1, 2))
    units = checkpoint.normaliser.restore(actions[:, : cfg.frames].float().cpu().numpy())
    timings[Stage.DECODING.value] = clock() - started
    report(Stage.DECODING, 1, 1)
    return [Generated(v, a, dict(timings)) for v, a in zip(pixels, units, strict=True)]
