"""Text tokens on disk, so that a large encoder is loaded for new instructions only, then freed.

One safetensors file holds one instruction's tokens. Its name is the SHA-256 of instruction,
encoder and dtype, so that models with other encoders share a folder; it carries the SHA-256 of its
content, and what is damaged is made again.
"""

import fcntl
import gc
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vag_core.files import write_whole
from vag_core.model.text.config import TextConfig
from vag_core.model.text.encoder import TextEncoder, stack_tokens


def default_folder() -> Path:
    """Return the folder of the cache below the user's XDG cache directory."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'vag' / 'text'


class CachedText:
    """An encoder behind a cache.

    Processes may share a folder: they read without waiting, and one at a time loads the encoder.

    Args:
        cfg: sizes and dtype.
        identity: of the encoder: its kind and what tells its weights from others.
        load: makes the encoder; called only when an instruction is not in the cache.
        folder: of the cache; made when needed.
    """

    def __init__(
        self,
        cfg: TextConfig,
        identity: str,
        load: Callable[[], TextEncoder],
        folder: Path | None = None,
    ) -> None:
        self.cfg, self.identity, self._load = cfg, identity, load
        self.folder = Path(folder) if folder is not None else default_folder()

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """See :meth:`TextEncoder.encode`; raises what loading the encoder raises."""
        wanted = dict.fromkeys(filter(str.strip, instructions))
        found = {text: self._read(text) for text in wanted}
        if any(tokens is None for tokens in found.values()):
            with self._alone():
                found = {text: self._read(text) for text in wanted}
                self._fill(found)
        return stack_tokens(self.cfg, instructions, found.__getitem__)

    def path(self, instruction: str) -> Path:
        """Return where the tokens of ``instruction`` are or will be."""
        key = json.dumps([instruction, self.identity, self.cfg.dtype, self.cfg.length])
        return self.folder / f'{hashlib.sha256(key.encode()).hexdigest()}.safetensors'

    def _fill(self, found: dict[str, Tensor | None]) -> None:
        missing = [text for text, tokens in found.items() if tokens is None]
        if not missing:
            return
        encoder = self._load()
        dtype = getattr(torch, self.cfg.dtype)
        for text in missing:
            found[text] = _without_padding(encoder.encode([text])[0]).to(dtype)
            self._write(text, found[text])
        del encoder
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _read(self, instruction: str) -> Tensor | None:
        try:
            with safe_open(self.path(instruction), 'pt') as file:
                tokens, about = file.get_tensor('tokens'), file.metadata() or {}
        except (OSError, SafetensorError):
            return None
        fits = tokens.ndim == 2 and tokens.shape[1] == self.cfg.dim
        return tokens if fits and about.get('sha256') == _digest(tokens) else None

    def _write(self, instruction: str, tokens: Tensor) -> None:
        about = {'instruction': instruction, 'encoder': self.identity, 'sha256': _digest(tokens)}
        write_whole(self.path(instruction), save({'tokens': tokens}, about))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / '.lock').open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _without_padding(tokens: Tensor) -> Tensor:
    """Cut the zero vectors at the end of (L, d)."""
    used = tokens.any(dim=1).nonzero()
    return tokens[: int(used[-1]) + 1 if len(used) else 0]


def _digest(tokens: Tensor) -> str:
    return hashlib.sha256(tokens.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
