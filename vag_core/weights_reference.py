"""Weights that lie outside a checkpoint: where, and which files exactly.

The whole content is hashed, not the header: variants of one model (480p and 720p, 10 and 16 fps)
differ in nothing else. That costs about a second per GiB, once per loading.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from vag_core.configuration import ConfigError, config
from vag_core.files import sha256_of

SIDE_FILES = ('.json', '.model')


class WeightsChangedError(ValueError):
    """Outside weights are not there any more or not the ones that the checkpoint was made with."""


@config
class FileIdentity:
    """One file: bytes and SHA-256."""

    size: int
    sha256: str

    def validate(self) -> None:
        """Raise ConfigError for what can't be a size or a SHA-256."""
        if self.size < 0:
            raise ConfigError(f'size = {self.size}: must not be negative')
        if len(self.sha256) != 64:
            raise ConfigError(f'sha256 = {self.sha256!r}: must be 64 hexadecimal digits')


@config
class WeightsReference:
    """Weights that a checkpoint uses from their own place.

    Attributes:
        path: a file or a folder; absolute, or relative to the checkpoint's folder.
        files: identities by path below ``path``; of a single file under ``.``.
    """

    path: str
    files: dict[str, FileIdentity]

    def validate(self) -> None:
        """Raise ConfigError for a reference to nothing."""
        if not self.path:
            raise ConfigError("path = '': must name a file or folder")
        if not self.files:
            raise ConfigError('files: at least one identity is needed')

    @classmethod
    def of(cls, path: Path, files: Iterable[Path]) -> 'WeightsReference':
        """Describe ``files`` at or below ``path`` as they are now."""
        path = Path(path).absolute()
        identities = {
            str(file.absolute().relative_to(path)): FileIdentity(
                size=file.stat().st_size, sha256=sha256_of(file)
            )
            for file in sorted(files)
        }
        return cls(path=str(path), files=identities)

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, wherever they lie."""
        lines = [f'{name}\0{f.size}\0{f.sha256}\n' for name, f in sorted(self.files.items())]
        return hashlib.sha256(''.join(lines).encode()).hexdigest()

    def below(self, folder: Path) -> 'WeightsReference':
        """Return the same reference with an absolute path; ``folder`` is the checkpoint's."""
        return replace(self, path=os.path.normpath(Path(folder).absolute() / self.path))

    def check(self) -> Path:
        """Return the path when every file is the one that is referred to.

        Raises:
            WeightsChangedError: naming every file that is missing or another one.
        """
        root = Path(self.path)
        wrong = []
        for name, identity in self.files.items():
            file = root / name
            if not file.is_file():
                wrong.append(f'{file}: missing')
            elif file.stat().st_size != identity.size:
                wrong.append(f'{file}: {file.stat().st_size} bytes, expected {identity.size}')
            elif (found := sha256_of(file)) != identity.sha256:
                wrong.append(f'{file}: SHA-256 {found}, expected {identity.sha256}')
        if wrong:
            raise WeightsChangedError('; '.join(wrong))
        return root


def model_files(path: Path) -> list[Path]:
    """Return the files of a model folder that decide what it is, or the one file itself.

    Of a folder: the safetensors files, or where there are none the pickled ones, with the
    configuration and tokenizer files beside them.

    Raises:
        FileNotFoundError: there is none.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    files = [p for p in path.glob('*') if p.is_file()] if path.is_dir() else []
    weights = [p for p in files if p.suffix == '.safetensors']
    weights = weights or [p for p in files if p.suffix in ('.bin', '.pt', '.pth')]
    side = [p for p in files if p.suffix in SIDE_FILES]
    if not weights + side:
        raise FileNotFoundError(f'{path}: no model files')
    return sorted(weights + side)
