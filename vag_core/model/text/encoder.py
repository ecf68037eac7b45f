"""The interface of text encoders.

An encoder returns (B, L, d) tokens; positions past an instruction are zero vectors, and the empty
instruction is all zeros (what the model sees when text is dropped, and the unconditional branch
of guidance).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from vag_core.model.text.config import TextConfig


class TextError(ValueError):
    """A text encoder's weights are missing, incomplete or not what they should be."""


class TextEncoder(Protocol):
    """What the streams ask of a text encoder."""

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """Map B instructions to (B, L, d) float32 tokens on the CPU."""


def stack_tokens(
    cfg: TextConfig, instructions: Sequence[str], tokens_of: Callable[[str], Tensor]
) -> Tensor:
    """Encode each distinct instruction by itself, so that none depends on its batch.

    Args:
        cfg: sizes of the result.
        instructions: B of them; blank ones stay zero.
        tokens_of: maps one instruction to (n, d), n <= L.

    Returns:
        (B, L, d) float32 on the CPU.
    """
    stacked = torch.zeros(len(instructions), cfg.length, cfg.dim)
    for instruction in dict.fromkeys(filter(str.strip, instructions)):
        tokens = tokens_of(instruction).float().cpu()
        for row, other in enumerate(instructions):
            if other == instruction:
                stacked[row, : len(tokens)] = tokens
    return stacked
