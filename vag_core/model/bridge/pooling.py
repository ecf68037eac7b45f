"""Adaptive pooling of a latent, with no gradient into it."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vag_core.model.bridge.config import BridgeConfig, Pooling


def pool(latent: Tensor, size: tuple[int, int, int], pooling: Pooling) -> Tensor:
    """Detach (B, C, T', H, W) and pool it to (B, C, *size)."""
    average = pooling is Pooling.AVERAGE
    reduce = F.adaptive_avg_pool3d if average else F.adaptive_max_pool3d
    return reduce(latent.detach(), size)


def pool_clip(latent: Tensor, cfg: BridgeConfig) -> Tensor:
    """Pool (B, C, T', H, W), with or without its clean first frame, to (B, C, *pool_size)."""
    return pool(latent[:, :, 1 if cfg.generated_only else 0 :], cfg.pool_size, cfg.pooling)
