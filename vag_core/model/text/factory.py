"""From a text configuration to its encoder."""

from collections.abc import Sequence

from torch import Tensor

from vag_core.model.text.config import TextConfig, TextKind
from vag_core.model.text.encoder import TextEncoder, TextError, stack_tokens
from vag_core.model.text.sentence import SentenceText
from vag_core.model.text.words import HashedWords


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


def make_text(cfg: TextConfig) -> TextEncoder:
    """Return the encoder of ``cfg``; that of T5 waits for a checkpoint to name its weights."""
    kinds = {
        TextKind.WORDS: HashedWords,
        TextKind.SENTENCE: SentenceText,
        TextKind.T5: AbsentText,
    }
    return kinds[cfg.kind](cfg)
