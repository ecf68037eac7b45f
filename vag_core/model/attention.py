"""Attention with normalised queries and keys, rotary positions and a choice of kernel.

Which kernel computes it is a setting of a running model (:func:`set_attention`), not of a
checkpoint: the results differ by rounding alone.
"""

import enum

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.attention import SDPBackend, sdpa_kernel

try:
    from flash_attn_interface import flash_attn_func as flash_attention_3
except ImportError:
    flash_attention_3 = None


class AttentionBackend(enum.Enum):
    """A kernel for scaled dot-product attention.

    ``auto``: the fastest that is known to run here. ``flash``, ``efficient``, ``cudnn`` and
    ``math`` are torch's own; ``flash3`` is FlashAttention 3 (Hopper), where its package
    ``flash_attn_interface`` is installed.
    """

    AUTO = 'auto'
    FLASH = 'flash'
    EFFICIENT = 'efficient'
    CUDNN = 'cudnn'
    MATH = 'math'
    FLASH3 = 'flash3'


class AttentionUnavailableError(RuntimeError):
    """The chosen kernel is not installed or can't compute what it was given."""


TORCH_BACKENDS = {
    AttentionBackend.FLASH: SDPBackend.FLASH_ATTENTION,
    AttentionBackend.EFFICIENT: SDPBackend.EFFICIENT_ATTENTION,
    AttentionBackend.CUDNN: SDPBackend.CUDNN_ATTENTION,
    AttentionBackend.MATH: SDPBackend.MATH,
}
# On Hopper cuDNN's forward kernel is made for the architecture, torch's flash kernel for Ampere.
HOPPER_ORDER = [TORCH_BACKENDS[AttentionBackend(name)] for name in ('cudnn', 'flash', 'efficient')]
HALF = (torch.float16, torch.bfloat16)
# What torch says on a GPU and on a CPU when the only allowed kernel can't run.
REFUSALS = ('No available kernel', 'No viable backend')


@torch.compiler.assume_constant_result
def _on_hopper() -> bool:
    """Whether the current CUDA device has compute capability 9."""
    return torch.version.hip is None and torch.cuda.get_device_capability()[0] == 9


def _suits_hopper(query: Tensor) -> bool:
    """Whether the kernels that are made for Hopper can compute it."""
    return query.device.type == 'cuda' and query.dtype in HALF and _on_hopper()


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    backend: AttentionBackend = AttentionBackend.AUTO,
) -> Tensor:
    """Scaled dot-product attention of (B, heads, N, d) over (B, heads, M, d).

    Raises:
        AttentionUnavailableError: the chosen kernel can't compute it; device, type and head
            dimension are named.
    """
    if backend is AttentionBackend.AUTO:
        return _attend_auto(query, key, value)
    if backend is AttentionBackend.FLASH3:
        return _attend_flash3(query, key, value)
    try:
        with sdpa_kernel(TORCH_BACKENDS[backend]):
            return F.scaled_dot_product_attention(query, key, value)
    except RuntimeError as error:
        if not any(message in str(error) for message in REFUSALS):
            raise
        raise _unavailable(backend, query) from error


def _attend_auto(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    if query.requires_grad and query.device.type == 'cpu':
        # The fused kernel's backward pass is several times slower on a CPU than plain products.
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        return scores.softmax(dim=-1).to(value.dtype) @ value
    if _suits_hopper(query):
        if flash_attention_3 is not None:
            return _attend_flash3(query, key, value)
        if not query.requires_grad:
            with sdpa_kernel([*HOPPER_ORDER, SDPBackend.MATH], set_priority=True):
                return F.scaled_dot_product_attention(query, key, value)
    return F.scaled_dot_product_attention(query, key, value)


def _attend_flash3(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    if not _suits_hopper(query):
        raise _unavailable(AttentionBackend.FLASH3, query)
    mixed = flash_attention_3(*(x.transpose(1, 2) for x in (query, key, value)))
    # Releases before 3.0.0b2 also return the logarithm of the softmax's sum.
    mixed = mixed[0] if isinstance(mixed, tuple) else mixed
    return mixed.transpose(1, 2)


def _unavailable(backend: AttentionBackend, query: Tensor) -> AttentionUnavailableError:
    return AttentionUnavailableError(
        f'attention = {backend.value}: no such kernel for {query.device.type}, {query.dtype}, '
        f'head dimension {query.shape[-1]}'
    )


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary positions to (B, heads, N, d) in float32, pairing feature i with i + d/2."""
    x = x.float()
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Attention(nn.Module):
    """Multi-head attention with RMS-normalised queries and keys, no bias.

    Attributes:
        backend: its kernel; see :func:`set_attention`.
    """

    def __init__(self, width: int, context_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.backend = AttentionBackend.AUTO
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_dim, width, bias=False)
        self.to_v = nn.Linear(context_dim, width, bias=False)
        self.norm_q = nn.RMSNorm(width // heads, eps=1e-6)
        self.norm_k = nn.RMSNorm(width // heads, eps=1e-6)
        self.to_out = nn.ModuleList([nn.Linear(width, width, bias=False)])

    def forward(self, x: Tensor, context: Tensor, rotary: tuple[Tensor, Tensor] | None) -> Tensor:
        """Attend from x (B, N, width) to context (B, M, context_dim)."""
        query, key, value = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        )
        dtype = self.norm_q.weight.dtype
        query, key = self.norm_q(query.to(dtype)), self.norm_k(key.to(dtype))
        if rotary is not None:
            query, key = rotate(query, *rotary), rotate(key, *rotary)
        mixed = attend(query.to(value.dtype), key.to(value.dtype), value, self.backend)
        return self.to_out[0](mixed.transpose(1, 2).flatten(2))


def set_attention(model: nn.Module, backend: AttentionBackend | str) -> None:
    """Choose the kernel of every :class:`Attention` in ``model``.

    Raises:
        AttentionUnavailableError: FlashAttention 3 is chosen and not installed. Whether one of
            torch's kernels fits the device and type shows in the first forward pass.
        ValueError: there is no such back end.
    """
    backend = AttentionBackend(backend)
    if backend is AttentionBackend.FLASH3 and flash_attention_3 is None:
        raise AttentionUnavailableError(
            'attention = flash3: the package flash_attn_interface is not installed'
        )
    for module in model.modules():
        if isinstance(module, Attention):
            module.backend = backend
