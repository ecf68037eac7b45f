"""An encoder that needs no weights."""

import hashlib
import re
from collections.abc import Sequence

import torch
from torch import Tensor

from vag_core.model.text.config import TextConfig
from vag_core.model.text.encoder import stack_tokens


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
        return stack_tokens(self.cfg, instructions, self._tokens)

    def _tokens(self, instruction: str) -> Tensor:
        words = re.findall(r'\w+', instruction.lower())[: self.cfg.length]
        vectors = [self._vector(word).roll(place) for place, word in enumerate(words)]
        return torch.stack(vectors) if vectors else torch.zeros(0, self.cfg.dim)

    def _vector(self, word: str) -> Tensor:
        digest = hashlib.sha256(word.encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], 'big'))
        return torch.randn(self.cfg.dim, generator=generator)
