"""What a trained checkpoint really does on given episodes: figures, not an evaluation."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from vag_core.checkpoint import Checkpoint
from vag_core.embodiment import Embodiment
from vag_core.generate import Request, generate
from vag_core.metrics.video import psnr
from vag_core.model.image_fit import to_pixels
from vag_core.train.demonstrations import Demonstrations

BATCH = 4


@dataclass(frozen=True)
class UnitMeasurements:
    """The action dimensions of one unit, which each figure is in.

    Attributes:
        error, error_max: absolute error, mean and largest.
        start_error_max: largest absolute error of the first action.
        velocity, acceleration: largest absolute difference of the generated actions, per second
            and per second squared.
        demonstrated_velocity, demonstrated_acceleration: those of the demonstrated ones.
    """

    error: float
    error_max: float
    start_error_max: float
    velocity: float
    acceleration: float
    demonstrated_velocity: float
    demonstrated_acceleration: float


@dataclass(frozen=True)
class Measurements:
    """Means over the measured episodes unless a field says otherwise.

    Attributes:
        episodes: how many.
        vae_psnr, video_psnr: dB of all pixels, reconstructed and generated.
        range_error: absolute action error relative to the range of its dimension over all
            episodes; dimensions that move less than ``minimum_range`` in their unit are left out.
        units: by unit of the embodiment.
        seconds: of generation, by stage, in batches of ``BATCH``, for each episode.
    """

    episodes: int
    vae_psnr: float
    video_psnr: float
    range_error: float
    units: dict[str, UnitMeasurements]
    seconds: dict[str, float]

    def to_mapping(self) -> dict:
        """Return plain dicts and numbers."""
        return asdict(self)


def fastest(actions: np.ndarray, fps: float) -> tuple[float, float]:
    """Return the largest absolute velocity and acceleration of (N, T, D) actions at ``fps``."""
    velocity = np.abs(np.diff(actions, axis=1)) * fps
    acceleration = np.abs(np.diff(actions, n=2, axis=1)) * fps**2
    return float(velocity.max(initial=0.0)), float(acceleration.max(initial=0.0))


def measure_units(
    made: np.ndarray, truth: np.ndarray, embodiment: Embodiment, fps: float
) -> dict[str, UnitMeasurements]:
    """Compare (N, T, D) generated with demonstrated actions, the dimensions of a unit together."""
    units = np.array(embodiment.units)
    found = {}
    for unit in dict.fromkeys(embodiment.units):
        generated, demonstrated = made[..., units == unit], truth[..., units == unit]
        error = np.abs(generated - demonstrated)
        found[unit] = UnitMeasurements(
            float(error.mean()),
            float(error.max()),
            float(error[:, 0].max()),
            *fastest(generated, fps),
            *fastest(demonstrated, fps),
        )
    return found


def range_error(made: np.ndarray, truth: np.ndarray, minimum_range: float) -> float:
    """Return the mean absolute error of (N, T, D) actions in shares of each dimension's range."""
    extent = np.ptp(truth, axis=(0, 1))
    moving = extent >= minimum_range
    if not moving.any():
        return 0.0
    return float((np.abs(made - truth) / np.where(moving, extent, 1.0))[..., moving].mean())


def measure(
    checkpoint: Checkpoint,
    data: Demonstrations,
    episodes: int,
    *,
    minimum_range: float = 0.01,
    seed: int = 0,
    on_episode: Callable[[int, int], None] = lambda done, total: None,
) -> Measurements:
    """Generate up to ``episodes``, spread over all, from their own first pictures; compare."""
    episodes = min(episodes, len(data))
    chosen = np.linspace(0, len(data) - 1, episodes).round().astype(int).tolist()
    made: list[np.ndarray] = []
    vae, video, seconds = [], [], {}
    asks_state = checkpoint.config.model.action.start_state
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        requests = [
            Request(
                data.first_image(index),
                data.instructions[index],
                seed + index,
                start_state=data.start_states[index] if asks_state else None,
            )
            for index in batch
        ]
        for index, found in zip(batch, generate(checkpoint, requests), strict=True):
            frames = data.video(index)
            truth = frames.movedim(1, -1).numpy()
            vae.append(psnr(_reconstruct(checkpoint, frames), truth))
            video.append(psnr(found.video, truth))
            made.append(found.actions)
            for stage, value in found.timings.items():
                share = value / len(batch) / len(chosen)
                seconds[stage] = seconds.get(stage, 0.0) + share
        on_episode(len(made), len(chosen))
    actions, truth = np.stack(made), data.actions[chosen]
    return Measurements(
        episodes=len(made),
        vae_psnr=float(np.mean(vae)),
        video_psnr=float(np.mean(video)),
        range_error=range_error(actions, truth, minimum_range),
        units=measure_units(actions, truth, data.embodiment, data.fps),
        seconds=seconds,
    )


@torch.no_grad()
def _reconstruct(checkpoint: Checkpoint, frames: Tensor) -> np.ndarray:
    """Encode and decode (T, 3, H, W) frames; (T, H, W, 3) uint8."""
    vae = checkpoint.model.vae
    parameter = next(vae.parameters())
    pixels = (frames[None].transpose(1, 2).float() / 127.5 - 1).to(parameter)
    return to_pixels(vae.decode(vae.encode(pixels)).float().transpose(1, 2))[0]
