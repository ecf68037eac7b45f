"""Which text encoder a model has, and the size of its tokens."""

import enum

from vag_core.configuration import ConfigError, config

SENTENCE_DIM = 384
SENTENCE_LENGTH = 512


class TextKind(enum.Enum):
    """The text encoders: hashed words, all-MiniLM-L6-v2, and T5-11B as Cosmos-Predict2 has it."""

    WORDS = 'words'
    SENTENCE = 'sentence'
    T5 = 't5'


@config
class TextConfig:
    """The text: ``dim`` features of each of ``length`` tokens; T5's as the default.

    Attributes:
        kind: the encoder.
        dim, length: of its tokens.
        dtype: of T5's weights and tokens, ``bfloat16`` or ``float32``; the others use float32.
    """

    kind: TextKind = TextKind.WORDS
    dim: int = 1024
    length: int = 512
    dtype: str = 'bfloat16'

    def validate(self) -> None:
        """Raise ConfigError for empty sizes and for those that the encoder can't give."""
        for field in ('dim', 'length'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if self.dtype == 'float16':
            raise ConfigError(
                'dtype = float16: T5 v1.0 overflows in it; allowed are bfloat16, float32'
            )
        if self.dtype not in ('bfloat16', 'float32'):
            raise ConfigError(f'dtype = {self.dtype}: allowed are bfloat16, float32')
        if self.kind is TextKind.SENTENCE:
            if self.dim != SENTENCE_DIM:
                raise ConfigError(f'dim = {self.dim}: the sentence encoder has {SENTENCE_DIM}')
            if self.length > SENTENCE_LENGTH:
                raise ConfigError(
                    f'length = {self.length}: the sentence encoder has {SENTENCE_LENGTH} positions'
                )
