"""Latent frames on the action's time axis.

Causal latent frame 0 covers step 0; latent frame k >= 1 covers steps 4k - 3 to 4k, centred at
4k - 1.5.
"""

import torch
from torch import Tensor

from vag_core.model.vae import TIME_FACTOR

FIRST_GAP = (TIME_FACTOR + 1) / 2


def alignment(latent_frames: int, steps: int, device: torch.device | None = None) -> Tensor:
    """Return the (steps, latent_frames) matrix that interpolates linearly at the frame centres.

    Steps past the last centre hold its value.
    """
    step = torch.arange(steps, dtype=torch.float64, device=device)
    frame = torch.arange(latent_frames, dtype=torch.float64, device=device)
    after = 1 + (step - FIRST_GAP) / TIME_FACTOR
    place = torch.where(step < FIRST_GAP, step / FIRST_GAP, after).clamp(max=latent_frames - 1)
    return (1 - (place[:, None] - frame).abs()).clamp(min=0).float()


def align(features: Tensor, steps: int) -> Tensor:
    """Interpolate (B, T', d) features of latent frames to (B, steps, d)."""
    matrix = alignment(features.shape[1], steps, features.device)
    return matrix.to(features.dtype) @ features
