"""What a trained checkpoint really does on given episodes: figures, not an evaluation."""

from dataclasses import asdict, dataclass

import numpy as np
import torch

from vag_core.checkpoint import Checkpoint
from vag_core.generate import Request, generate
from vag_core.model.image_fit import to_pixels
from vag_core.train.demonstrations import Demonstrations
from vag_core.train.vae_stage import encode_demonstrations

BATCH = 4


@dataclass(frozen=True)
class Smoothness:
    """Extremes of trajectories sampled at a fixed rate; dimensions in rad, those in m besides.

    Attributes:
        velocity, acceleration: largest absolute first and second difference, rad/s and rad/s^2.
        velocity_m, acceleration_m: the same of dimensions in m.
    """

    velocity: float
    acceleration: float
    velocity_m: float
    acceleration_m: float


@dataclass(frozen=True)
class Measurements:
    """Means over the measured episodes unless a field says otherwise.

    Attributes:
        episodes: how many.
        vae_psnr, video_psnr: dB of all pixels, reconstructed and generated.
        action_error: absolute error of dimensions in rad; ``action_error_m`` of those in m.
        action_error_max, action_error_max_m: the largest.
        start_error_max: largest absolute difference of the first action, rad.
        generated, demonstrated: largest of all episodes.
        seconds: of generation, by stage, in batches of ``BATCH``, for each episode.
    """

    episodes: int
    vae_psnr: float
    video_psnr: float
    action_error: float
    action_error_max: float
    action_error_m: float
    action_error_max_m: float
    start_error_max: float
    generated: Smoothness
    demonstrated: Smoothness
    seconds: dict[str, float]

    def to_mapping(self) -> dict:
        """Return plain dicts and numbers."""
        return asdict(self)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two uint8 arrays over all values, dB."""
    error = np.mean((first.astype(np.float64) - second) ** 2)
    return float(10 * np.log10(255.0**2 / error)) if error else float('inf')


def smoothness(actions: np.ndarray, metres: np.ndarray, fps: float) -> Smoothness:
    """Measure (N, T, D) actions; ``metres`` (D,) marks the dimensions in m."""
    velocity = np.abs(np.diff(actions, axis=1)) * fps
    acceleration = np.abs(np.diff(actions, n=2, axis=1)) * fps**2
    return Smoothness(
        *(
            float(values[..., chosen].max(initial=0.0))
            for chosen in (~metres, metres)
            for values in (velocity, acceleration)
        )
    )


def measure(checkpoint: Checkpoint, data: Demonstrations, seed: int = 0) -> Measurements:
    """Generate every episode from its own first picture and compare."""
    truth = data.video.movedim(2, -1).numpy()
    with torch.no_grad():
        latents = encode_demonstrations(checkpoint.model.vae, data.video)
        decoded = np.stack(
            [to_pixels(checkpoint.model.vae.decode(z[None]).transpose(1, 2))[0] for z in latents]
        )
    requests = [
        Request(image, instruction, seed + index)
        for index, (image, instruction) in enumerate(
            zip(data.images, data.instructions, strict=True)
        )
    ]
    made = []
    seconds: dict[str, float] = {}
    for start in range(0, len(requests), BATCH):
        batch = generate(checkpoint, requests[start : start + BATCH])
        made += batch
        for stage, value in batch[0].timings.items():
            seconds[stage] = seconds.get(stage, 0.0) + value / len(requests)
    actions = np.stack([g.actions for g in made])
    error = np.abs(actions - data.actions)
    metres = np.array([unit == 'm' for unit in data.embodiment.units])
    return Measurements(
        episodes=len(made),
        vae_psnr=float(np.mean([psnr(a, b) for a, b in zip(decoded, truth, strict=True)])),
        video_psnr=float(np.mean([psnr(g.video, b) for g, b in zip(made, truth, strict=True)])),
        action_error=float(error[..., ~metres].mean()),
        action_error_max=float(error[..., ~metres].max()),
        action_error_m=float(error[..., metres].mean()) if metres.any() else 0.0,
        action_error_max_m=float(error[..., metres].max(initial=0.0)),
        start_error_max=float(error[:, 0, ~metres].max()),
        generated=smoothness(actions, metres, data.fps),
        demonstrated=smoothness(data.actions, metres, data.fps),
        seconds=seconds,
    )
