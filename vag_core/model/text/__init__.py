"""Instructions to text tokens: one interface, three kinds of encoder, and a cache on disk."""

from vag_core.model.text.config import TextConfig, TextKind
from vag_core.model.text.encoder import TextEncoder, TextError
from vag_core.model.text.factory import make_text

__all__ = ['TextConfig', 'TextEncoder', 'TextError', 'TextKind', 'make_text']
