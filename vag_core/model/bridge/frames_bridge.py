"""One condition per latent frame, pooled over space, on the action's time axis."""

from torch import Tensor, nn

from vag_core.model.bridge.alignment import align
from vag_core.model.bridge.config import BridgeConfig
from vag_core.model.bridge.pooling import pool


class FramesBridge(nn.Module):
    """The paper's bridge with time kept; it has no parameter."""

    global_dim = 0

    def __init__(self, cfg: BridgeConfig, latent_channels: int) -> None:
        super().__init__()
        self.pooling = cfg.pooling
        self.aligned_dim = latent_channels

    def forward(self, latent: Tensor, steps: int) -> tuple[None, Tensor]:
        """Map (B, C, T', H, W) to a condition per step (B, steps, C)."""
        pooled = pool(latent, (latent.shape[2], 1, 1), self.pooling)
        return None, align(pooled.flatten(2).transpose(1, 2), steps)
