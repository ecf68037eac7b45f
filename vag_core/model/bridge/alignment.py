"""Latent frames on the action's time axis."""

import numpy as np
import torch
from torch import Tensor

from vag_core.model.vae import TIME_FACTOR


def frame_centres(latent_frames: int) -> np.ndarray:
    """Return the time, in action steps, at the centre of what each causal latent frame covers.

    Latent frame 0 covers step 0; latent frame k >= 1 covers steps 4k - 3 to 4k.
    """
    k = np.arange(latent_frames)
    return np.where(k == 0, 0.0, TIME_FACTOR * k - (TIME_FACTOR - 1) / 2)


def alignment(latent_frames: int, steps: int) -> Tensor:
    """Return the (steps, latent_frames) matrix that interpolates linearly at the frame centres.

    Steps past the last centre hold its value.
    """
    centres = frame_centres(latent_frames)
    rows = [np.interp(np.arange(steps), centres, unit) for unit in np.eye(latent_frames)]
    return torch.from_numpy(np.stack(rows, axis=1)).float()


def align(features: Tensor, steps: int) -> Tensor:
    """Interpolate (B, T', d) features of latent frames to (B, steps, d)."""
    return alignment(features.shape[1], steps).to(features) @ features
