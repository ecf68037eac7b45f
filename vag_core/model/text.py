"""Instructions to text tokens: the interface, and an encoder that needs no weights.

An encoder returns (B, L, d) tokens; positions past an instruction are zero vectors, and the empty
instruction is all zeros (what the model sees when text is dropped, and the unconditional branch
of guidance).
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from vag_core.configuration import ConfigError, config


class TextEncoder(Protocol):
    """What the streams ask of a text encoder."""

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """Map B instructions to (B, L, d) float32 tokens on the CPU."""


@config
class TextConfig:
    """Size of the text: ``dim`` features of each of ``length`` tokens; T5's as the default."""

    dim: int = 1024
    length: int = 512

    def validate(self) -> None:
        """Raise ConfigError for empty sizes."""
        for field in ('dim', 'length'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')


class HashedWords:
    """Give every word a fixed random vector, seeded by its SHA-256.

    It tells instructions apart and knows nothing of meaning: enough for a model trained on a
    handful of sentences. Case and punctuation are ignored, words past ``length`` are cut. The
    place of a word rotates its vector, so that order matters.
    """

    def __init__(self, cfg: TextConfig) -> None:
        self.cfg = cfg

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """See :meth:`TextEncoder.encode`."""
        tokens = torch.zeros(len(instructions), self.cfg.length, self.cfg.dim)
        for row, instruction in enumerate(instructions):
            words = re.findall(r'\w+', instruction.lower())[: self.cfg.length]
            for place, word in enumerate(words):
                tokens[row, place] = self._vector(word).roll(place)
        return tokens

    def _vector(self, word: str) -> Tensor:
        digest = hashlib.sha256(word.encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], 'big'))
        return torch.randn(self.cfg.dim, generator=generator)
