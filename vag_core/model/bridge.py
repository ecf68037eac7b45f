"""From the video stream's clean latent estimate to the condition of the action stream.

The latent is detached here: the action loss never reaches the video stream.
"""

import enum

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from vag_core.configuration import ConfigError, config
from vag_core.model.vae import TIME_FACTOR


class BridgeKind(enum.Enum):
    """What of the latent the action stream sees.

    ``GLOBAL`` is the paper's: an average over all space and time, expanded without a learned
    layer. ``ALIGNED`` keeps a small spatial grid of every latent frame on the action's time
    axis.
    """

    GLOBAL = 'global'
    ALIGNED = 'aligned'


@config
class BridgeConfig:
    """How the latent becomes a condition.

    Attributes:
        kind: global or aligned.
        global_dim: length to which the global average is tiled; 132 in the paper (VAG,
            2604.09330).
        grid: rows and columns of the aligned grid; the latent is average-pooled to it.
        channels: features of the aligned condition at each time step.
        generated_only: leave the clean first frame out of the global average.
    """

    kind: BridgeKind = BridgeKind.GLOBAL
    global_dim: int = 132
    grid: tuple[int, int] = (6, 8)
    channels: int = 128
    generated_only: bool = False

    def validate(self) -> None:
        """Raise ConfigError for empty sizes."""
        for field in ('global_dim', 'channels'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if min(self.grid) < 1:
            raise ConfigError(f'grid = {self.grid}: rows and columns must be at least 1')


def tile(values: Tensor, length: int) -> Tensor:
    """Repeat (B, C) cyclically to (B, length): element i is ``values[i mod C]``.

    The paper expands 16 averages to 132 values and says no more. Every kind of repetition gives
    the action network the same functions, because a linear layer follows.
    """
    return values[:, torch.arange(length, device=values.device) % values.shape[1]]


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


class GlobalBridge(nn.Module):
    """Adaptive average over frames, rows and columns, tiled; it has no parameter."""

    aligned_dim = 0

    def __init__(self, cfg: BridgeConfig) -> None:
        super().__init__()
        self.global_dim = cfg.global_dim
        self.first = 1 if cfg.generated_only else 0

    def forward(self, latent: Tensor, steps: int) -> tuple[Tensor, None]:
        """Map (B, C, T, H, W) to a global condition (B, global_dim)."""
        pooled = F.adaptive_avg_pool3d(latent.detach()[:, :, self.first :], 1)
        return tile(pooled.flatten(1), self.global_dim), None


class AlignedBridge(nn.Module):
    """A grid of every latent frame, projected and interpolated to the action's time steps."""

    global_dim = 0

    def __init__(self, cfg: BridgeConfig, latent_channels: int) -> None:
        super().__init__()
        self.grid = cfg.grid
        self.aligned_dim = cfg.channels
        self.proj = nn.Linear(latent_channels * cfg.grid[0] * cfg.grid[1], cfg.channels)

    def forward(self, latent: Tensor, steps: int) -> tuple[None, Tensor]:
        """Map (B, C, T, H, W) to a condition per step (B, steps, aligned_dim)."""
        frames = latent.shape[2]
        pooled = F.adaptive_avg_pool3d(latent.detach(), (frames, *self.grid))
        features = self.proj(pooled.transpose(1, 2).flatten(2))
        return None, alignment(frames, steps).to(features) @ features


def make_bridge(cfg: BridgeConfig, latent_channels: int) -> GlobalBridge | AlignedBridge:
    """Build the bridge that ``cfg.kind`` names."""
    if cfg.kind is BridgeKind.GLOBAL:
        return GlobalBridge(cfg)
    return AlignedBridge(cfg, latent_channels)
