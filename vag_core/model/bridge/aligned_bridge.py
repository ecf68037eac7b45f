"""A grid of every latent frame on the action's time axis."""

from torch import Tensor, nn

from vag_core.model.bridge.alignment import align
from vag_core.model.bridge.config import BridgeConfig
from vag_core.model.bridge.pooling import pool


class AlignedBridge(nn.Module):
    """A small spatial grid of every latent frame, projected and interpolated in time."""

    global_dim = 0

    def __init__(self, cfg: BridgeConfig, latent_channels: int) -> None:
        super().__init__()
        self.grid, self.pooling = cfg.grid, cfg.pooling
        self.aligned_dim = cfg.channels
        self.proj = nn.Linear(latent_channels * cfg.grid[0] * cfg.grid[1], cfg.channels)

    def forward(self, latent: Tensor, steps: int) -> tuple[None, Tensor]:
        """Map (B, C, T', H, W) to a condition per step (B, steps, aligned_dim)."""
        pooled = pool(latent, (latent.shape[2], *self.grid), self.pooling)
        return None, align(self.proj(pooled.transpose(1, 2).flatten(2)), steps)
