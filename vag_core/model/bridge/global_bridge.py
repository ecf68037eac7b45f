"""The paper's bridge: pooled over space and time, expanded without a learned layer."""

from torch import Tensor, nn

from vag_core.model.bridge.config import BridgeConfig, Expansion
from vag_core.model.bridge.expansion import expand
from vag_core.model.bridge.pooling import pool_clip


class GlobalBridge(nn.Module):
    """Pooled values as a global condition; a parameter only where the expansion is learned."""

    aligned_dim = 0

    def __init__(self, cfg: BridgeConfig, latent_channels: int) -> None:
        super().__init__()
        cfg.check_channels(latent_channels)
        self.cfg = cfg
        count = cfg.pooled_values(latent_channels)
        self.global_dim = count if cfg.expansion is Expansion.NONE else cfg.global_dim
        if cfg.expansion is Expansion.LEARNED:
            self.proj = nn.Linear(count, cfg.global_dim)

    def forward(self, latent: Tensor, steps: int) -> tuple[Tensor, None]:
        """Map (B, C, T', H, W) to a global condition (B, global_dim)."""
        pooled = pool_clip(latent, self.cfg).flatten(1)
        if self.cfg.expansion is Expansion.NONE:
            return pooled, None
        if self.cfg.expansion is Expansion.LEARNED:
            return self.proj(pooled), None
        return expand(pooled, self.global_dim, self.cfg.expansion), None
