"""From images and instructions to videos and their actions: encode, denoise, decode."""

import enum
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from vag_core.flow import Solver
from vag_core.model import latent_preview
from vag_core.model.image_fit import fit_image, to_pixels, to_unit_range
from vag_core.sample import SamplerConfig, denoise, draw_noise

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
        steps, guidance, solver, negative: as in SamplerConfig; None for the checkpoint's own.
        start_state: (D,) joint positions at the image, in the embodiment's units; only for a
            checkpoint that asks for it (``model.action.start_state``), which needs it.
    """

    image: np.ndarray
    instruction: str
    seed: int
    steps: int | None = None
    guidance: float | None = None
    solver: Solver | None = None
    negative: str | None = None
    start_state: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a generation stands, after a finished step of ``total`` in ``stage``.

    ``preview`` is one coarse (h, w, 3) uint8 RGB frame of the first request's present estimate, at
    half the video's size, or None. Over the denoising steps it runs through the clip.
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
        latent: (C, T', h, w) float32, what the video was decoded from; None where it wasn't kept.
    """

    video: np.ndarray
    actions: np.ndarray
    timings: dict[str, float]
    latent: np.ndarray | None = None


OnProgress = Callable[[Progress], None]


@torch.inference_mode()
def generate(
    checkpoint: 'Checkpoint',
    requests: Sequence[Request],
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    preview: bool = True,
    preview_share: float = 1.0,
) -> list[Generated]:
    """Generate one episode for each request, in their order.

    Requests that agree in all of the sampler are sampled as one batch.

    Args:
        checkpoint: the loaded model.
        requests: what to generate.
        on_progress: called after the encoding, after every denoising step and after the decoding.
        cancelled: asked before every step; True ends the generation.
        preview: show one frame of every denoising step's estimate to ``on_progress``.
        preview_share: show none while previews, the time in ``on_progress`` included, have taken
            more than this share of the denoising so far.

    Raises:
        GenerationCancelled: ``cancelled`` returned True.
        ValueError: an image is no RGB picture, steps or guidance are out of range, or the start
            state that the checkpoint asks for is missing or of another length.
    """
    groups: dict[SamplerConfig, list[int]] = {}
    for index, request in enumerate(requests):
        groups.setdefault(sampler_of(checkpoint.model.cfg.sampler, request), []).append(index)
    results: dict[int, Generated] = {}
    for sampler, members in groups.items():
        batch = [requests[index] for index in members]
        made = _generate_batch(
            checkpoint,
            batch,
            sampler,
            on_progress=on_progress,
            cancelled=cancelled,
            preview=preview,
            preview_share=preview_share,
        )
        results.update(zip(members, made, strict=True))
    return [results[index] for index in range(len(requests))]


def sampler_of(default: SamplerConfig, request: Request) -> SamplerConfig:
    """Return the sampler of a request: the checkpoint's with what the request changes."""
    changes = {
        field: getattr(request, field)
        for field in ('steps', 'guidance', 'solver', 'negative')
        if getattr(request, field) is not None
    }
    return replace(default, **changes)


def _generate_batch(
    checkpoint: 'Checkpoint',
    requests: Sequence[Request],
    sampler: SamplerConfig,
    *,
    on_progress: OnProgress | None,
    cancelled: Callable[[], bool] | None,
    preview: bool,
    preview_share: float,
) -> list[Generated]:
    model = checkpoint.model
    cfg = model.cfg
    clock = time.perf_counter
    timings = {}

    def wait() -> None:
        # A GPU runs behind: without waiting, progress and timings would be those of its queue.
        if model.device.type == 'cuda':
            torch.cuda.synchronize(model.device)

    def check() -> None:
        if cancelled is not None and cancelled():
            raise GenerationCancelled

    def report(stage: Stage, step: int, total: int, picture: np.ndarray | None = None) -> None:
        if on_progress is not None:
            on_progress(Progress(stage, step, total, picture))

    check()
    started = clock()
    images = np.stack([fit_image(r.image, cfg.height, cfg.width, cfg.image_fit) for r in requests])
    # The VAE is causal: the first frame alone gives the exact first latent frame.
    pixels = to_unit_range(images)[:, :, None]
    first = model.vae.encode(pixels.to(model.device))
    *text, dropped = model.encode_text([*(r.instruction for r in requests), sampler.negative])
    text, dropped = torch.stack(text), dropped.expand(len(requests), -1, -1)
    noise = draw_noise(model, [request.seed for request in requests])
    start = start_states(checkpoint, [request.start_state for request in requests])
    shown = on_progress is not None and preview
    matrix = preview_matrix(checkpoint, first[:1], pixels[:1]) if shown else None
    wait()
    timings[Stage.ENCODING.value] = clock() - started
    report(Stage.ENCODING, 1, 1)

    started = clock()
    check()
    total = len(sampler.times)
    on_previews = 0.0
    loop = denoise(model, first, text, noise, sampler, dropped=dropped, start_state=start)
    for step, estimates in enumerate(loop, 1):
        _, video, _, actions = estimates
        wait()
        before, picture = clock(), None
        affordable = on_previews <= preview_share * (before - started)
        if shown and affordable:
            frame = video[:1, :, (video.shape[2] - 1) * step // total]
            picture = to_pixels(latent_preview.preview(matrix, frame))[0]
        report(Stage.DENOISING, step, total, picture)
        on_previews += (clock() - before) * (picture is not None)
        check()
    timings[Stage.DENOISING.value] = clock() - started

    started = clock()
    # One by one: decoding takes more memory than denoising, and no less time together.
    pixels = [to_pixels(model.vae.decode(z[None]).transpose(1, 2))[0] for z in video]
    units = checkpoint.normaliser.restore(actions[:, : cfg.frames].float().cpu().numpy())
    timings[Stage.DECODING.value] = clock() - started
    report(Stage.DECODING, 1, 1)
    latents = video.float().cpu().numpy()
    return [
        Generated(v, a, dict(timings), z) for v, a, z in zip(pixels, units, latents, strict=True)
    ]


def preview_matrix(
    checkpoint: 'Checkpoint', first: torch.Tensor, pixels: torch.Tensor
) -> torch.Tensor:
    """Return the matrix of the checkpoint's previews; without one, that of its first frame.

    Args:
        checkpoint: the loaded model.
        first: (1, C, 1, h, w) latent of the first frame.
        pixels: (1, 3, 1, 8h, 8w) the frame, in [-1, 1].
    """
    if checkpoint.preview is not None:
        return checkpoint.preview
    return latent_preview.fit_preview(first, pixels)


def start_states(
    checkpoint: 'Checkpoint', states: Sequence[np.ndarray | None]
) -> torch.Tensor | None:
    """Return (D,) start states in units as normalised (B, D), or None for a checkpoint without.

    Raises:
        ValueError: one that the checkpoint asks for is missing, of another length or not finite.
    """
    if not checkpoint.model.cfg.action.start_state:
        return None
    dimension = checkpoint.embodiment.dimension
    for state in states:
        if state is None:
            raise ValueError(
                f'start_state: checkpoint {checkpoint.name} needs the {dimension} joint positions '
                'at the image'
            )
        if np.shape(state) != (dimension,):
            raise ValueError(
                f'start_state: shape {np.shape(state)}, checkpoint {checkpoint.name} needs '
                f'({dimension},)'
            )
        if not np.isfinite(state).all():
            raise ValueError(f'start_state = {state}: must be finite')
    normal = checkpoint.normaliser.normalise(np.stack(states))
    return torch.from_numpy(normal).to(checkpoint.model.device)
