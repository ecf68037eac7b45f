"""Markers as RViz draws them: shapes, and lines of text whose size on the screen is known.

RViz writes text in Liberation Sans (rviz_rendering's MovableText): a capital is 1.26 times as high
as ``scale.z`` says, its middle lies above the marker's place, and ``scale.x`` is the width of a
space. Left at 0, that is about a metre whatever the size of the letters, also in RViz of 2024 and
later (ros2/rviz, issue 1336). It reads a text byte by byte, so only ASCII can be written.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

WHITE = (1.0, 1.0, 1.0, 1.0)
CAPITAL = 1.26
"""Height of a capital, for ``scale.z`` = 1."""
EM = 1.78
"""The font's em, for ``scale.z`` = 1: a glyph is cut out 27 pixels high at 24 pixels per em."""
RISE = 0.3
"""How far the middle of a capital lies above the marker's place, for ``scale.z`` = 1."""
ADVANCES = {
    0.19: "'",
    0.22: 'ijl',
    0.28: ' !,./:;I[\\]ft|',
    0.33: '()-`r{}',
    0.39: '"*',
    0.50: 'Jcksvxyz^',
    0.56: '#$0123456789?L_abdeghnopqu',
    0.61: '+<=>~FTZ',
    0.67: '&ABEKPSVXY',
    0.72: 'CDHNRUw',
    0.78: 'GOQ',
    0.83: 'Mm',
    0.89: '%',
    0.94: 'W',
    1.02: '@',
}
"""Widths of the font's characters, em; those of Helvetica, which it was made to fit."""
_WIDTH = {character: EM * em for em, characters in ADVANCES.items() for character in characters}


def plain(text: str) -> str:
    """Return the text in printable ASCII: accents are taken off, what is left becomes ``?``."""
    split = unicodedata.normalize('NFKD', text)
    bare = ''.join(c for c in split if not unicodedata.combining(c))
    return ''.join(c if c in _WIDTH else '?' for c in bare)


def text_width(text: str) -> float:
    """Return how wide RViz writes a line, for ``scale.z`` = 1."""
    return sum(_WIDTH[character] for character in plain(text))


def shape(
    kind: int, size: Sequence[float], colour: Sequence[float], namespace: str = '', number: int = 0
) -> Marker:
    """Return a marker of this kind; ``size`` (x, y, z) m, ``colour`` RGBA in 0..1."""
    x, y, z = size
    return Marker(
        type=kind,
        ns=namespace,
        id=number,
        scale=Vector3(x=x, y=y, z=z),
        color=ColorRGBA(**dict(zip('rgba', colour, strict=True))),
    )


def label(
    text: str,
    capital: float,
    place: Sequence[float],
    colour: Sequence[float] = WHITE,
    *,
    widest: float = np.inf,
    namespace: str = '',
    number: int = 0,
) -> Marker:
    """Return one line of text that faces the viewer.

    Args:
        text: what it says; must not be empty.
        capital: m, height of its capitals; less where the line would be too wide.
        place: (3,) m, the middle of its capitals.
        colour: RGBA in 0..1.
        widest: m that the line may take.
        namespace, number: the marker's ``ns`` and ``id``.
    """
    written = plain(text)
    height = min(capital / CAPITAL, widest / text_width(written))
    marker = shape(
        Marker.TEXT_VIEW_FACING, (height * _WIDTH[' '], 0.0, height), colour, namespace, number
    )
    marker.text = written
    marker.pose.position = point(np.asarray(place) - (0.0, 0.0, RISE * height))
    return marker


def point(values: Sequence[float]) -> Point:
    """Return (3,) values as a message."""
    x, y, z = (float(value) for value in values)
    return Point(x=x, y=y, z=z)
