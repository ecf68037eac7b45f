"""Writing to disk so that what has its final name is whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; it gets the name ``folder`` when the block ends well.

    When the block fails nothing is left behind.

    Raises:
        FileExistsError: ``folder`` is there already; it is left as it is.
    """
    if folder.exists():
        raise FileExistsError(f'{folder}: exists already, nothing was written')
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f'.{folder.name}.partial-{os.getpid()}')
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
