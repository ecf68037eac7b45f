"""The action stream's network: Diffusion Policy's ConditionalUnet1D.

Chi et al., "Diffusion Policy" (RSS 2023), repository real-stanford/diffusion_policy: residual
blocks of 1-D convolutions over time, conditioned by FiLM on the time embedding and an optional
global vector. Parameter names are those of that class.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config


@config
class UnetConfig:
    """Size of the U-Net; the defaults are the widths of the image policies in Diffusion Policy.

    Attributes:
        kind: tells it from the transformer.
        down_dims: channels of each level; all but the last halve the time axis.
        kernel_size: of the convolutions; odd.
        groups: of the group normalisation; divides every width.
        time_embed_dim: d of the time embedding.
        time_scale: the sinusoid was made for integer steps; t in [0, 1] is multiplied by this.
    """

    kind: Literal['unet'] = 'unet'
    down_dims: tuple[int, ...] = (512, 1024, 2048)
    kernel_size: int = 5
    groups: int = 8
    time_embed_dim: int = 128
    time_scale: float = 1000.0

    def validate(self) -> None:
        """Raise ConfigError for widths and kernels that the architecture can't have."""
        if len(self.down_dims) < 2:
            raise ConfigError(f'down_dims = {self.down_dims}: at least two levels are needed')
        if self.groups < 1:
            raise ConfigError(f'groups = {self.groups}: must be at least 1')
        for width in self.down_dims:
            if width < 1 or width % self.groups:
                raise ConfigError(
                    f'down_dims = {self.down_dims}: {width} is no multiple of groups {self.groups}'
                )
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ConfigError(f'kernel_size = {self.kernel_size}: must be odd and positive')
        if self.time_embed_dim < 4 or self.time_embed_dim % 2:
            raise ConfigError(
                f'time_embed_dim = {self.time_embed_dim}: must be even and at least 4'
            )

    @property
    def step_multiple(self) -> int:
        """The number of time steps must be a multiple of this."""
        return 2 ** (len(self.down_dims) - 1)


def pad_steps(actions: Tensor, steps: int) -> Tensor:
    """Extend (..., T, D) actions to ``steps`` by repeating the last one."""
    missing = steps - actions.shape[-2]
    return torch.cat([actions, actions[..., -1:, :].expand(*actions.shape[:-2], missing, -1)], -2)


class SinusoidalEmbedding(nn.Module):
    """Sines then cosines of the scaled flow time."""

    def __init__(self, dim: int, scale: float) -> None:
        super().__init__()
        self.dim, self.scale = dim, scale

    def forward(self, times: Tensor) -> Tensor:
        """Map (B,) to (B, dim)."""
        half = self.dim // 2
        exponent = torch.arange(half, device=times.device, dtype=torch.float32) / (half - 1)
        angle = self.scale * times.float()[:, None] * torch.exp(-math.log(10000.0) * exponent)
        return torch.cat([angle.sin(), angle.cos()], dim=-1)


class ConvBlock(nn.Module):
    """Conv1d, GroupNorm, Mish."""

    def __init__(self, channels_in: int, channels_out: int, cfg: UnetConfig) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv1d(channels_in, channels_out, cfg.kernel_size, padding=cfg.kernel_size // 2),
            nn.GroupNorm(cfg.groups, channels_out),
            nn.Mish(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T)."""
        return self.block(x)


class ResidualBlock(nn.Module):
    """Two convolutions with FiLM scale and bias between them, and a skip."""

    def __init__(self, channels_in: int, channels_out: int, cond: int, cfg: UnetConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            [ConvBlock(channels_in, channels_out, cfg), ConvBlock(channels_out, channels_out, cfg)]
        )
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(cond, 2 * channels_out))
        self.residual_conv = (
            nn.Conv1d(channels_in, channels_out, 1)
            if channels_in != channels_out
            else nn.Identity()
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, C, T) and (B, cond) to (B, C', T)."""
        scale, bias = self.cond_encoder(condition)[..., None].chunk(2, dim=1)
        return self.blocks[1](scale * self.blocks[0](x) + bias) + self.residual_conv(x)


class Downsample(nn.Module):
    """Halve the time axis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T / 2)."""
        return self.conv(x)


class Upsample(nn.Module):
    """Double the time axis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(channels, channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, 2 T)."""
        return self.conv(x)


class Unet1d(nn.Module):
    """ConditionalUnet1D over a sequence of actions.

    Args:
        cfg: widths.
        action_dim: D of the actions, in and out.
        global_dim: length of the global condition, 0 for none.
        aligned_dim: channels of a condition per time step, concatenated to the input; 0 for none.
    """

    def __init__(
        self, cfg: UnetConfig, action_dim: int, global_dim: int = 0, aligned_dim: int = 0
    ) -> None:
        super().__init__()
        self.cfg = cfg
        widths, embed = cfg.down_dims, cfg.time_embed_dim
        cond = embed + global_dim
        self.diffusion_step_encoder = nn.Sequential(
            SinusoidalEmbedding(embed, cfg.time_scale),
            nn.Linear(embed, 4 * embed),
            nn.Mish(),
            nn.Linear(4 * embed, embed),
        )
        pairs = list(zip((action_dim + aligned_dim, *widths), widths, strict=False))
        self.down_modules = nn.ModuleList(
            [
                nn.ModuleList(
                    [
                        ResidualBlock(source, target, cond, cfg),
                        ResidualBlock(target, target, cond, cfg),
                        Downsample(target) if level < len(pairs) - 1 else nn.Identity(),
                    ]
                )
                for level, (source, target) in enumerate(pairs)
            ]
        )
        self.mid_modules = nn.ModuleList(
            [ResidualBlock(widths[-1], widths[-1], cond, cfg) for _ in range(2)]
        )
        self.up_modules = nn.ModuleList(
            [
                nn.ModuleList(
                    [
                        ResidualBlock(2 * target, source, cond, cfg),
                        ResidualBlock(source, source, cond, cfg),
                        Upsample(source),
                    ]
                )
                for source, target in reversed(pairs[1:])
            ]
        )
        self.final_conv = nn.Sequential(
            ConvBlock(widths[0], widths[0], cfg), nn.Conv1d(widths[0], action_dim, 1)
        )

    def forward(
        self,
        actions: Tensor,
        times: Tensor,
        global_condition: Tensor | None = None,
        aligned_condition: Tensor | None = None,
    ) -> Tensor:
        """Run the network.

        Args:
            actions: (B, T, D); T a multiple of ``cfg.step_multiple``.
            times: (B,) flow times.
            global_condition: (B, global_dim).
            aligned_condition: (B, T, aligned_dim).

        Returns:
            (B, T, D).

        Raises:
            ValueError: T does not fit the levels.
        """
        if actions.shape[1] % self.cfg.step_multiple:
            raise ValueError(
                f'actions: {actions.shape[1]} steps, need a multiple of {self.cfg.step_multiple}'
            )
        condition = self.diffusion_step_encoder(times)
        if global_condition is not None:
            condition = torch.cat([condition, global_condition], dim=-1)
        if aligned_condition is not None:
            actions = torch.cat([actions, aligned_condition], dim=-1)
        x = actions.transpose(1, 2)
        skips = []
        for first, second, downsample in self.down_modules:
            x = second(first(x, condition), condition)
            skips.append(x)
            x = downsample(x)
        for block in self.mid_modules:
            x = block(x, condition)
        for first, second, upsample in self.up_modules:
            x = torch.cat([x, skips.pop()], dim=1)
            x = upsample(second(first(x, condition), condition))
        return self.final_conv(x).transpose(1, 2)
