"""From a text configuration to its encoder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from vag_core.model.text.cache import CachedText
from vag_core.model.text.config import TextConfig, TextKind
from vag_core.model.text.encoder import TextEncoder, TextError, stack_tokens
from vag_core.model.text.sentence import SentenceText
from vag_core.model.text.t5 import T5Text
from vag_core.model.text.words import HashedWords
from vag_core.weights_reference import WeightsReference


class AbsentText:
    """Stands where an encoder's weights are not known yet; it knows the empty instruction only."""

    def __init__(self, cfg: TextConfig) -> None:
        self.cfg = cfg

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """See :meth:`TextEncoder.encode`; TextError for any instruction."""
        return stack_tokens(self.cfg, instructions, self._refuse)

    def _refuse(self, instruction: str) -> Tensor:
        raise TextError(
            f'text.kind = {self.cfg.kind.value}: no weights are named; a checkpoint names them '
            f'under weights.text (vag init --text); wanted for {instruction!r}'
        )


def make_text(
    cfg: TextConfig,
    weights: WeightsReference | None = None,
    device: str | torch.device = 'cpu',
    cache: Path | None = None,
) -> TextEncoder:
    """Return the encoder of ``cfg``.

    Args:
        cfg: kind and sizes.
        weights: of T5; they are checked and loaded when an instruction is not in the cache.
        device: where T5 runs.
        cache: folder of T5's tokens; None for the user's.
    """
    if cfg.kind is TextKind.WORDS:
        return HashedWords(cfg)
    if cfg.kind is TextKind.SENTENCE:
        return SentenceText(cfg)
    if weights is None:
        return AbsentText(cfg)
    return CachedText(
        cfg, f't5 {weights.digest}', lambda: T5Text(cfg, weights.check(), device), cache
    )
