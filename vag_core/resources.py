"""Where shipped files lie: in a source checkout, a colcon install or a pip install."""

import os
import sys
from pathlib import Path

# The shipped checkpoint that is used when none is named.
DEFAULT_CHECKPOINT = 'tiny'


def share_directories() -> list[Path]:
    """Return the folders that may hold ``config/`` and ``checkpoints/``, the nearest first."""
    checkout = Path(__file__).resolve().parents[1]
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    return [
        checkout,
        *(p / 'share' / 'vag_ros' for p in prefixes),
        Path(sys.prefix) / 'share' / 'vag_ros',
    ]


def find(relative: str | Path) -> Path:
    """Return the first existing ``relative`` path among :func:`share_directories`.

    Raises:
        FileNotFoundError: naming every place that was looked at.
    """
    places = [directory / relative for directory in share_directories()]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f'{relative}: not found; looked at ' + ', '.join(map(str, places)))


def names(folder: str, suffix: str) -> list[str]:
    """Sorted stems of the files with ``suffix`` that ship in ``folder``."""
    return sorted({p.stem for d in share_directories() for p in (d / folder).glob(f'*{suffix}')})
