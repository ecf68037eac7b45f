"""The video stream's diffusion transformer: Cosmos-Predict2's DiT at any size.

The architecture is that of nvidia-cosmos/cosmos-predict2 (Video2World, 2B by default); parameter
names are those of diffusers' ``CosmosTransformer3DModel``, so that its weights load as they are.
Beside diffusers' class this one modulates per latent frame instead of per token and keeps
integer rotary positions whatever the frame rate, as the official code does.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

from vag_core.configuration import ConfigError, config
from vag_core.model.attention import Attention


@config
class DitConfig:
    """Size of the transformer; the defaults are Cosmos-Predict2-2B-Video2World.

    Attributes:
        latent_channels: channels of the latent video, in and out.
        num_layers, num_attention_heads, attention_head_dim, mlp_ratio: the width is heads x head
            dim.
        text_embed_dim: d of the text tokens.
        adaln_lora_dim: rank of the modulation in each block.
        patch_size: latent cells (frames, rows, columns) of one token.
        max_size: largest latent (frames, rows, columns).
        rope_scale: rotary extrapolation ratio of (frames, rows, columns).
        concat_padding_mask: feed a constant zero channel, as the pretrained weights expect.
        first_frame_embedding: add a projection of the first latent frame to the tokens of every
            frame. It spares a small model from learning to look the static background up by
            attention.
        bfloat16_time: round flow times to bfloat16, as the pretrained weights saw them.
    """

    latent_channels: int = 16
    num_layers: int = 28
    num_attention_heads: int = 16
    attention_head_dim: int = 128
    mlp_ratio: float = 4.0
    text_embed_dim: int = 1024
    adaln_lora_dim: int = 256
    patch_size: tuple[int, int, int] = (1, 2, 2)
    max_size: tuple[int, int, int] = (128, 240, 240)
    rope_scale: tuple[float, float, float] = (1.0, 3.0, 3.0)
    concat_padding_mask: bool = True
    first_frame_embedding: bool = False
    bfloat16_time: bool = False

    def validate(self) -> None:
        """Raise ConfigError for sizes that the architecture can't have."""
        for field in (
            'latent_channels',
            'num_layers',
            'num_attention_heads',
            'text_embed_dim',
            'adaln_lora_dim',
        ):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if not 1 <= self.width * self.mlp_ratio < math.inf:
            raise ConfigError(
                f'mlp_ratio = {self.mlp_ratio}: must be finite and leave a hidden feature'
            )
        for field in ('rope_scale', 'max_size'):
            if not all(0 < value < math.inf for value in getattr(self, field)):
                raise ConfigError(f'{field} = {getattr(self, field)}: must be positive')
        if self.attention_head_dim < 12 or self.attention_head_dim % 2:
            raise ConfigError(
                f'attention_head_dim = {self.attention_head_dim}: must be even and at least 12'
            )
        if self.patch_size[0] != 1 or min(self.patch_size) < 1:
            raise ConfigError(
                f'patch_size = {self.patch_size}: one latent frame and at least one row and column'
            )

    @property
    def width(self) -> int:
        """Features of one token."""
        return self.num_attention_heads * self.attention_head_dim

    @property
    def input_channels(self) -> int:
        """Latent channels, condition mask and padding mask."""
        return self.latent_channels + 1 + self.concat_padding_mask


class PatchEmbed(nn.Module):
    """Project patches, flattened as (channel, frame, row, column), to tokens."""

    def __init__(self, channels: int, width: int, patch_size: tuple[int, int, int]) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.proj = nn.Linear(channels * math.prod(patch_size), width, bias=False)

    def forward(self, latent: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, T', H', W', width)."""
        _, ph, pw = self.patch_size
        patches = latent.unflatten(4, (-1, pw)).unflatten(3, (-1, ph))
        return self.proj(patches.permute(0, 2, 3, 5, 1, 4, 6).flatten(4))


class TimestepMlp(nn.Module):
    """Shared AdaLN offset of all blocks: two linear maps of the sinusoid."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, width, bias=False)
        self.linear_2 = nn.Linear(width, 3 * width, bias=False)

    def forward(self, sinusoid: Tensor) -> Tensor:
        """Map (B, T, width) to (B, T, 3 width)."""
        return self.linear_2(F.silu(self.linear_1(sinusoid)))


class TimeEmbed(nn.Module):
    """Embed the flow time of every latent frame, unscaled, as cosines then sines."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.t_embedder = TimestepMlp(width)
        self.norm = nn.RMSNorm(width, eps=1e-6)

    def forward(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, T) times to the embedding (B, T, width) and the offset (B, T, 3 width)."""
        half = self.width // 2
        exponent = torch.arange(half, device=times.device, dtype=torch.float32) / half
        angle = times.float()[..., None] * torch.exp(-math.log(10000.0) * exponent)
        sinusoid = torch.cat([angle.cos(), angle.sin()], dim=-1).to(self.norm.weight.dtype)
        return self.norm(sinusoid), self.t_embedder(sinusoid)


class AdaLayerNorm(nn.Module):
    """LayerNorm modulated per latent frame by a low-rank map of the time (AdaLN-LoRA)."""

    def __init__(self, width: int, rank: int, chunks: int) -> None:
        super().__init__()
        self.chunks = chunks
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.linear_1 = nn.Linear(width, rank, bias=False)
        self.linear_2 = nn.Linear(rank, chunks * width, bias=False)

    def forward(self, x: Tensor, embedded: Tensor, offset: Tensor) -> tuple[Tensor, Tensor | None]:
        """Modulate x (B, T, N, width); return it with its gate (B, T, 1, width) or None."""
        modulation = self.linear_2(self.linear_1(F.silu(embedded)))
        modulation = modulation + offset[..., : modulation.shape[-1]]
        shift, scale, *gate = modulation[:, :, None].chunk(self.chunks, dim=-1)
        return self.norm(x) * (1 + scale) + shift, gate[0] if gate else None


class GeluProjection(nn.Module):
    """Linear map followed by the exact GELU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., hidden)."""
        return F.gelu(self.proj(x))


class FeedForward(nn.Module):
    """The block's MLP; entry 1 is diffusers' dropout, which is never active."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [GeluProjection(width, hidden), nn.Identity(), nn.Linear(hidden, width, bias=False)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    """Self-attention, cross-attention to the text, MLP; each modulated and gated per frame."""

    def __init__(self, cfg: DitConfig) -> None:
        super().__init__()
        width, heads = cfg.width, cfg.num_attention_heads
        self.norm1 = AdaLayerNorm(width, cfg.adaln_lora_dim, chunks=3)
        self.attn1 = Attention(width, width, heads)
        self.norm2 = AdaLayerNorm(width, cfg.adaln_lora_dim, chunks=3)
        self.attn2 = Attention(width, cfg.text_embed_dim, heads)
        self.norm3 = AdaLayerNorm(width, cfg.adaln_lora_dim, chunks=3)
        self.ff = FeedForward(width, int(width * cfg.mlp_ratio))

    def forward(
        self, x: Tensor, text: Tensor, time: tuple[Tensor, Tensor], rotary: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Map (B, T, N, width) to the same shape; N tokens in each of T latent frames."""
        frames = x.shape[1]
        y, gate = self.norm1(x, *time)
        y = y.flatten(1, 2)
        x = x + gate * self.attn1(y, y, rotary).unflatten(1, (frames, -1))
        y, gate = self.norm2(x, *time)
        x = x + gate * self.attn2(y.flatten(1, 2), text, None).unflatten(1, (frames, -1))
        y, gate = self.norm3(x, *time)
        return x + gate * self.ff(y)


def rotary_angles(
    size: tuple[int, int, int],
    head_dim: int,
    scale: tuple[float, float, float],
    device: torch.device,
    frames: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (T H W, head_dim / 2) at integer latent positions.

    ``frames`` (T,) are the positions of the latent frames, of which some may be left out.

    Rows and columns each take ``head_dim // 6 * 2`` features and frames the rest. The base
    frequency 10000 is multiplied by ``ratio ** (d / (d - 2))`` (NTK extrapolation).
    """
    spatial = head_dim // 6 * 2
    angles = []
    for axis, (length, ratio) in enumerate(zip(size, scale, strict=True)):
        features = spatial if axis else head_dim - 2 * spatial
        theta = 10000.0 * ratio ** (features / (features - 2))
        exponent = torch.arange(0, features, 2, device=device, dtype=torch.float32) / features
        places = torch.arange(length, device=device, dtype=torch.float32)
        if frames is not None and axis == 0:
            places = frames.to(places)
        angle = places[:, None] * theta**-exponent
        shape = [1, 1, 1, angle.shape[-1]]
        shape[axis] = length
        angles.append(angle.view(shape).expand(*size, -1))
    joined = torch.cat(angles, dim=-1).flatten(0, 2)
    return joined.cos(), joined.sin()


class Dit(nn.Module):
    """Cosmos-Predict2's transformer over a latent video.

    Attributes:
        gradient_checkpointing: recompute every block in the backward pass instead of keeping its
            activations.
    """

    def __init__(self, cfg: DitConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.gradient_checkpointing = False
        width = cfg.width
        self.patch_embed = PatchEmbed(cfg.input_channels, width, cfg.patch_size)
        if cfg.first_frame_embedding:
            self.first_frame_embed = PatchEmbed(cfg.latent_channels, width, cfg.patch_size)
        self.time_embed = TimeEmbed(width)
        self.transformer_blocks = nn.ModuleList([Block(cfg) for _ in range(cfg.num_layers)])
        self.norm_out = AdaLayerNorm(width, cfg.adaln_lora_dim, chunks=2)
        self.proj_out = nn.Linear(
            width, cfg.latent_channels * math.prod(cfg.patch_size), bias=False
        )

    def initialise(self) -> None:
        """Draw small weights and close every gate, so that training starts from the identity."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=module.in_features**-0.5)
            if isinstance(module, AdaLayerNorm):
                nn.init.zeros_(module.linear_2.weight)
        nn.init.zeros_(self.time_embed.t_embedder.linear_2.weight)
        nn.init.zeros_(self.proj_out.weight)

    def forward(
        self,
        latent: Tensor,
        times: Tensor,
        text: Tensor,
        mask: Tensor,
        frames: Tensor | None = None,
    ) -> Tensor:
        """Run the network.

        Args:
            latent: (B, C, T, H, W); clean frames stand in place.
            times: (B, T) flow time of every latent frame.
            text: (B, L, d) text tokens, and any further ones to attend to; zeroed padding takes
                part in attention, as in pretraining.
            mask: (B, 1, T, 1, 1), 1 on clean frames.
            frames: (T,) places of the latent frames in the clip; None for all in order.

        Returns:
            (B, C, T, H, W) in the type of the weights, or that of autocast.
        """
        if any(n > m for n, m in zip(latent.shape[2:], self.cfg.max_size, strict=True)):
            raise ValueError(
                f'latent: {tuple(latent.shape[2:])} exceeds max_size {self.cfg.max_size}'
            )
        dtype = self.proj_out.weight.dtype
        latent, text = latent.to(dtype), text.to(dtype)
        plane = latent[:, :1]
        channels = [latent, mask.to(latent.dtype).expand_as(plane)]
        if self.cfg.concat_padding_mask:
            channels.append(torch.zeros_like(plane))
        x = self.patch_embed(torch.cat(channels, dim=1))
        if self.cfg.first_frame_embedding:
            x = x + self.first_frame_embed(latent[:, :, :1])
        size = x.shape[1:4]
        rotary = rotary_angles(
            size, self.cfg.attention_head_dim, self.cfg.rope_scale, latent.device, frames
        )
        x = x.flatten(2, 3)
        time = self.time_embed(times.bfloat16() if self.cfg.bfloat16_time else times)
        for block in self.transformer_blocks:
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, text, time, rotary, use_reentrant=False)
            else:
                x = block(x, text, time, rotary)
        x, _ = self.norm_out(x, *time)
        return self._unpatch(self.proj_out(x), size)

    def _unpatch(self, x: Tensor, size: tuple[int, int, int]) -> Tensor:
        """Put (B, T, H' W', row column channel) back together to (B, C, T, H, W)."""
        _, ph, pw = self.cfg.patch_size
        x = x.unflatten(2, size[1:]).unflatten(4, (ph, pw, -1))
        return x.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)
