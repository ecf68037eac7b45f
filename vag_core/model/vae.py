"""Pixels to latent video and back: the interface, and a light convolutional VAE behind it.

The Wan 2.1 VAE of the full-size model is :mod:`vag_core.model.wan_vae`.

Time is compressed by 4 after the first frame and space by 8, as in the Wan 2.1 VAE: T = 4 (T' -
1) + 1. Latent frame 0 stands for frame 0 alone, latent frame k >= 1 for frames 4k - 3 to 4k.
"""

import enum
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from vag_core.configuration import ConfigError, config

TIME_FACTOR = 4
SPACE_FACTOR = 8
WAN_CHANNELS = 16


class VideoVae(Protocol):
    """What the streams and the sampler ask of a VAE. Pixels lie in [-1, 1]."""

    latent_channels: int

    def encode(self, video: Tensor) -> Tensor:
        """Map (B, 3, T, H, W), T = 4n + 1, to the normalised latent mean (B, C, n + 1, H/8,
        W/8)."""

    def decode(self, latent: Tensor) -> Tensor:
        """Map a normalised latent (B, C, T', h, w) to (B, 3, 4 (T' - 1) + 1, 8h, 8w)."""


class VaeKind(enum.Enum):
    """``light``: :class:`LightVae`; ``wan``: the Wan 2.1 VAE, which Cosmos-Predict2 uses."""

    LIGHT = 'light'
    WAN = 'wan'


@config
class WanConfig:
    """Size of the Wan VAE; the defaults are the published one's.

    Attributes:
        base_dim: features at full resolution.
        dim_mult: multiples of it at each resolution.
        num_res_blocks: residual blocks at each.
    """

    base_dim: int = 96
    dim_mult: tuple[int, int, int, int] = (1, 2, 4, 4)
    num_res_blocks: int = 2

    def validate(self) -> None:
        """Raise ConfigError for sizes that the architecture can't have."""
        if min(self.base_dim, self.num_res_blocks, *self.dim_mult) < 1:
            raise ConfigError(
                f'base_dim = {self.base_dim}, dim_mult = {self.dim_mult}, '
                f'num_res_blocks = {self.num_res_blocks}: at least 1'
            )


@config
class VaeConfig:
    """Which VAE, and its size.

    Attributes:
        kind: light or wan.
        latent_channels: channels of the latent; 16 of the Wan VAE.
        widths: of the light VAE: features at a quarter and at an eighth of the resolution.
        blocks: of the light VAE: residual blocks at each.
        wan: size of the Wan VAE.
    """

    kind: VaeKind = VaeKind.LIGHT
    latent_channels: int = 16
    widths: tuple[int, int] = (64, 96)
    blocks: int = 1
    wan: WanConfig = WanConfig()

    def validate(self) -> None:
        """Raise ConfigError for widths that can't be normalised in groups of 8."""
        for width in self.widths:
            if width < 8 or width % 8:
                raise ConfigError(f'widths = {self.widths}: each must be a multiple of 8')
        if self.blocks < 1 or self.latent_channels < 1:
            raise ConfigError(
                f'blocks = {self.blocks}, latent_channels = {self.latent_channels}: at least 1'
            )
        if self.kind is VaeKind.WAN and self.latent_channels != WAN_CHANNELS:
            raise ConfigError(
                f'latent_channels = {self.latent_channels}: the Wan VAE has {WAN_CHANNELS}'
            )


def make_vae(cfg: VaeConfig) -> 'VideoVae':
    """Return the VAE of ``cfg``, a module with random weights."""
    if cfg.kind is VaeKind.LIGHT:
        return LightVae(cfg)
    from vag_core.model.wan_vae import WanVae

    return WanVae(cfg.wan)


def latent_frames(frames: int) -> int:
    """Return the number of latent frames of ``frames`` frames; ValueError unless it is 4n + 1."""
    if frames < 1 or (frames - 1) % TIME_FACTOR:
        raise ValueError(f'frames = {frames}: must be 4n + 1')
    return (frames - 1) // TIME_FACTOR + 1


class ResidualBlock(nn.Module):
    """GroupNorm, SiLU, convolution, twice, beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        y = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(y)))


def _stage(width: int, blocks: int) -> list[nn.Module]:
    return [ResidualBlock(width) for _ in range(blocks)]


class LightVae(nn.Module):
    """A VAE that treats every group of four frames as one picture of 12 channels.

    Groups are independent, so it is causal by construction. The first frame fills a group of its
    own, repeated, so that every latent frame has the same meaning.
    """

    def __init__(self, cfg: VaeConfig) -> None:
        super().__init__()
        self.latent_channels = cfg.latent_channels
        near, far = cfg.widths
        pixels = 3 * TIME_FACTOR * 16
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(pixels, near, 3, padding=1),
            *_stage(near, cfg.blocks),
            nn.Conv2d(near, far, 4, stride=2, padding=1),
            *_stage(far, cfg.blocks),
            nn.GroupNorm(8, far),
            nn.SiLU(),
            nn.Conv2d(far, 2 * cfg.latent_channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(cfg.latent_channels, far, 3, padding=1),
            *_stage(far, cfg.blocks),
            nn.Conv2d(far, 4 * near, 1),
            nn.PixelShuffle(2),
            *_stage(near, cfg.blocks),
            nn.GroupNorm(8, near),
            nn.SiLU(),
            nn.Conv2d(near, pixels, 3, padding=1),
            nn.PixelShuffle(4),
        )
        self.register_buffer('latent_mean', torch.zeros(cfg.latent_channels))
        self.register_buffer('latent_std', torch.ones(cfg.latent_channels))

    def group(self, video: Tensor) -> Tensor:
        """Arrange (B, 3, T, H, W) as groups of four frames (B, T', 12, H, W)."""
        latent_frames(video.shape[2])
        first = video[:, :, :1].expand(-1, -1, TIME_FACTOR - 1, -1, -1)
        groups = torch.cat([first, video], dim=2).unflatten(2, (-1, TIME_FACTOR))
        return groups.transpose(1, 2).flatten(2, 3)

    def posterior(self, groups: Tensor) -> tuple[Tensor, Tensor]:
        """Map groups (N, 12, H, W) to mean and log variance (N, C, h, w), not normalised."""
        mean, log_variance = self.encoder(groups).chunk(2, dim=1)
        return mean, log_variance.clamp(-12.0, 4.0)

    def reconstruct(self, latent: Tensor) -> Tensor:
        """Map latents (N, C, h, w), not normalised, to groups (N, 12, H, W)."""
        return self.decoder(latent)

    def normalise_to(self, mean: Tensor, std: Tensor) -> None:
        """Set the (C,) statistics by which latents are normalised."""
        self.latent_mean.copy_(mean)
        self.latent_std.copy_(std)

    def encode(self, video: Tensor) -> Tensor:
        """See :meth:`VideoVae.encode`."""
        groups = self.group(video)
        mean = self.posterior(groups.flatten(0, 1))[0].unflatten(0, groups.shape[:2])
        return (mean.transpose(1, 2) - _channels(self.latent_mean)) / _channels(self.latent_std)

    def decode(self, latent: Tensor) -> Tensor:
        """See :meth:`VideoVae.decode`."""
        raw = latent * _channels(self.latent_std) + _channels(self.latent_mean)
        raw = raw.transpose(1, 2)
        groups = self.reconstruct(raw.flatten(0, 1)).unflatten(0, raw.shape[:2])
        frames = groups.unflatten(2, (3, TIME_FACTOR)).transpose(1, 2).flatten(2, 3)
        return frames[:, :, TIME_FACTOR - 1 :].clamp(-1, 1)


def _channels(values: Tensor) -> Tensor:
    return values[:, None, None, None]
