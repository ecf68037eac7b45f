"""A small space-time grid as a global condition."""

from torch import Tensor, nn

from vag_core.model.bridge.config import BridgeConfig
from vag_core.model.bridge.pooling import pool_clip


class GridBridge(nn.Module):
    """The latent pooled to a grid, flattened and projected."""

    aligned_dim = 0

    def __init__(self, cfg: BridgeConfig, latent_channels: int) -> None:
        super().__init__()
        self.cfg = cfg
        self.global_dim = cfg.global_dim
        self.proj = nn.Linear(cfg.pooled_values(latent_channels), cfg.global_dim)

    def forward(self, latent: Tensor, steps: int) -> tuple[Tensor, None]:
        """Map (B, C, T', H, W) to a global condition (B, global_dim)."""
        return self.proj(pool_clip(latent, self.cfg).flatten(1)), None
