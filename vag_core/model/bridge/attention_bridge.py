"""Learned queries over latent tokens as a global condition."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from vag_core.model.bridge.config import BridgeConfig
from vag_core.model.bridge.pooling import pool_clip


class AttentionBridge(nn.Module):
    """Attend from learned queries to the cells of a pooled grid, then project the answers.

    The grid bounds the number of tokens, whatever the latent's size, and gives each cell a
    learned position.
    """

    aligned_dim = 0

    def __init__(self, cfg: BridgeConfig, latent_channels: int) -> None:
        super().__init__()
        self.cfg = cfg
        self.global_dim = cfg.global_dim
        width = cfg.channels
        self.embed = nn.Linear(latent_channels, width)
        self.positions = nn.Parameter(0.02 * torch.randn(math.prod(cfg.pool_size), width))
        self.norm = nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.randn(cfg.queries, width))
        self.to_kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(cfg.queries * width, cfg.global_dim)

    def forward(self, latent: Tensor, steps: int) -> tuple[Tensor, None]:
        """Map (B, C, T', H, W) to a global condition (B, global_dim)."""
        cells = pool_clip(latent, self.cfg).flatten(2).transpose(1, 2)
        tokens = self.norm(self.embed(cells) + self.positions)
        keys, values = (self._heads(part) for part in self.to_kv(tokens).chunk(2, dim=-1))
        queries = self._heads(self.queries.to(keys)[None]).expand(len(keys), -1, -1, -1)
        answers = F.scaled_dot_product_attention(queries, keys, values)
        return self.proj(answers.transpose(1, 2).flatten(1)), None

    def _heads(self, x: Tensor) -> Tensor:
        """Map (B, N, width) to (B, heads, N, width / heads)."""
        return x.unflatten(-1, (self.cfg.heads, -1)).transpose(1, 2)
