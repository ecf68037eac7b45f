"""A transformer for the action stream, in the place of the U-Net: one token an action step.

Blocks are those of DiT (Peebles and Xie, 2023): modulated by the time and the global condition,
every gate closed at first (adaLN-Zero). The condition of each step is added to its token, and the
text may be read by cross-attention.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config
from vag_core.model.attention import Attention
from vag_core.model.dit import FeedForward
from vag_core.model.unet1d import SinusoidalEmbedding


@config
class ActionDitConfig:
    """Size of the transformer.

    Attributes:
        kind: tells it from the U-Net.
        width: features of a token.
        layers, heads: blocks, and attention heads in each; the heads divide the width.
        mlp_ratio: hidden features of a block's MLP, in widths.
        time_embed_dim, time_scale: of the time embedding, as in the U-Net.
        cross_attention: every block also reads the text tokens.
    """

    kind: Literal['dit'] = 'dit'
    width: int = 512
    layers: int = 12
    heads: int = 8
    mlp_ratio: float = 4.0
    time_embed_dim: int = 128
    time_scale: float = 1000.0
    cross_attention: bool = False

    def validate(self) -> None:
        """Raise ConfigError for sizes that the architecture can't have."""
        for field in ('layers', 'heads'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if self.width < 1 or self.width % (2 * self.heads):
            raise ConfigError(
                f'width = {self.width}: must be a multiple of twice the heads, {2 * self.heads}'
            )
        if not self.mlp_ratio > 0:
            raise ConfigError(f'mlp_ratio = {self.mlp_ratio}: must be positive')
        if self.time_embed_dim < 4 or self.time_embed_dim % 2:
            raise ConfigError(
                f'time_embed_dim = {self.time_embed_dim}: must be even and at least 4'
            )

    @property
    def step_multiple(self) -> int:
        """Any number of time steps will do."""
        return 1


def step_rotary(steps: int, head_dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (steps, head_dim / 2) of rotary positions, base 10000."""
    exponent = torch.arange(0, head_dim, 2, device=device, dtype=torch.float32) / head_dim
    places = torch.arange(steps, device=device, dtype=torch.float32)
    angle = places[:, None] * 10000.0**-exponent
    return angle.cos(), angle.sin()


class Gated(nn.Module):
    """One layer of a block, modulated before and gated after by the condition."""

    def __init__(self, width: int, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))
        nn.init.zeros_(self.modulation[1].weight)
        nn.init.zeros_(self.modulation[1].bias)

    def forward(self, x: Tensor, condition: Tensor, *context: Tensor | None) -> Tensor:
        """Map tokens (B, T, width) and a condition (B, width) to tokens."""
        shift, scale, gate = self.modulation(condition)[:, None].chunk(3, dim=-1)
        return x + gate * self.layer(self.norm(x) * (1 + scale) + shift, *context)


class SelfAttention(Attention):
    """Attention of the action steps among themselves."""

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """Map (B, T, width) to the same shape."""
        return super().forward(x, x, rotary)


class ActionDit(nn.Module):
    """The transformer over a sequence of actions; arguments as those of ``Unet1d``.

    Args:
        cfg: sizes.
        action_dim: D of the actions, in and out.
        global_dim: length of the global condition, 0 for none.
        aligned_dim: channels of a condition per time step, 0 for none.
        text_dim: of the text tokens, where there is cross-attention.
    """

    def __init__(
        self,
        cfg: ActionDitConfig,
        action_dim: int,
        global_dim: int = 0,
        aligned_dim: int = 0,
        text_dim: int = 0,
    ) -> None:
        super().__init__()
        self.cfg = cfg
        width = cfg.width
        self.embed = nn.Linear(action_dim, width)
        self.embed_aligned = nn.Linear(aligned_dim, width) if aligned_dim else None
        self.embed_time = nn.Sequential(
            SinusoidalEmbedding(cfg.time_embed_dim, cfg.time_scale),
            nn.Linear(cfg.time_embed_dim, width),
            nn.SiLU(),
            nn.Linear(width, width),
        )
        self.embed_global = nn.Linear(global_dim, width) if global_dim else None
        self.blocks = nn.ModuleList()
        for _ in range(cfg.layers):
            block = nn.ModuleDict({'self_attention': SelfAttention(width, width, cfg.heads)})
            if cfg.cross_attention:
                block['cross_attention'] = Attention(width, text_dim, cfg.heads)
            block['mlp'] = FeedForward(width, int(cfg.mlp_ratio * width))
            for name, layer in block.items():
                block[name] = Gated(width, layer)
            self.blocks.append(block)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.proj = nn.Linear(width, action_dim)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(
        self,
        actions: Tensor,
        times: Tensor,
        global_condition: Tensor | None = None,
        aligned_condition: Tensor | None = None,
        text: Tensor | None = None,
    ) -> Tensor:
        """Run the network.

        Args:
            actions: (B, T, D), any T.
            times: (B,) flow times.
            global_condition: (B, global_dim).
            aligned_condition: (B, T, aligned_dim).
            text: (B, L, d) tokens, where there is cross-attention.

        Returns:
            (B, T, D).
        """
        x = self.embed(actions)
        if self.embed_aligned is not None:
            x = x + self.embed_aligned(aligned_condition)
        condition = self.embed_time(times)
        if self.embed_global is not None:
            condition = condition + self.embed_global(global_condition)
        rotary = step_rotary(x.shape[1], self.cfg.width // self.cfg.heads, x.device)
        for block in self.blocks:
            x = block['self_attention'](x, condition, rotary)
            if self.cfg.cross_attention:
                x = block['cross_attention'](x, condition, text, None)
            x = block['mlp'](x, condition)
        return self.proj(self.norm(x))
