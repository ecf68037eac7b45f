"""A coarse picture of a latent frame by one matrix: what is shown while a video is denoised.

Each cell of the latent, 8 x 8 pixels, becomes 4 x 4 pixels, each a linear function of the cell's
channels. The matrix is fitted once to what the VAE encodes and stored with the checkpoint; unlike
decoding, applying it costs next to nothing at any size.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vag_core.model.vae import SPACE_FACTOR, TIME_FACTOR

SIDE = 4
"""Pixels of a picture along each side of a latent cell."""


def matrix_shape(latent_channels: int) -> tuple[int, int]:
    """Return the shape of the matrix: the channels and a constant, by the colours of a cell."""
    return latent_channels + 1, 3 * SIDE**2


def fit_preview(latent: Tensor, video: Tensor) -> Tensor:
    """Fit the matrix by least squares.

    Args:
        latent: (B, C, T', h, w) normalised.
        video: (B, 3, 4 (T' - 1) + 1, 8h, 8w) in [-1, 1], of which it is the latent.

    Returns:
        (C + 1, 48) float32, on the CPU.
    """
    last = video[:, :, ::TIME_FACTOR].transpose(1, 2).flatten(0, 1).float().cpu()
    small = F.avg_pool2d(last, SPACE_FACTOR // SIDE)
    colours = F.pixel_unshuffle(small, SIDE).movedim(1, -1).flatten(0, 2)
    cells = _with_constant(latent.float().cpu().transpose(1, 2).flatten(0, 1)).flatten(0, 2)
    return torch.linalg.lstsq(cells, colours, driver='gelsd').solution


def preview(matrix: Tensor, latent: Tensor) -> Tensor:
    """Map one latent frame (B, C, h, w) to a picture (B, 3, 4h, 4w) in [-1, 1]."""
    colours = _with_constant(latent.float()) @ matrix.to(latent.device)
    return F.pixel_shuffle(colours.movedim(-1, 1), SIDE).clamp(-1, 1)


def _with_constant(latent: Tensor) -> Tensor:
    """Map (N, C, h, w) to (N, h, w, C + 1)."""
    return F.pad(latent.movedim(1, -1), (0, 1), value=1.0)
