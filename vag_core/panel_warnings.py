"""Warnings of a plan on show, as an approval sees them: which are news to whoever approved."""

import re
from collections.abc import Sequence

NEW_PLAN = 'NEW PLAN'
"""Begins the warning that says why a plan takes the place of one that was approved."""
GROWTH = 2.0
"""A figure that grows by more makes news of a warning; less is the noise of cameras and joints."""

# Not those in names, as of left_joint1.
FIGURE = re.compile(r'(?<![\w.])\d+(?:\.\d+)?')


def news(approved: Sequence[str], present: Sequence[str]) -> tuple[str, ...]:
    """Return the present warnings that say more than those that were on show at the approval."""
    return tuple(text for text in present if not any(_covers(known, text) for known in approved))


def _covers(known: str, text: str) -> bool:
    before, now = ([float(figure) for figure in FIGURE.findall(each)] for each in (known, text))
    return FIGURE.sub('', known) == FIGURE.sub('', text) and all(
        figure <= GROWTH * was for was, figure in zip(before, now, strict=True)
    )
