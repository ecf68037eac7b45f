"""Which split of the data a (task, seed) belongs to, so that nothing is trained on what tests it.

The seed alone decides, in blocks: a scene's sampler asks for the split of its seed and draws the
sentence and the pair of cube and bowl from what that split may show. Small seeds, which people
type, are unseen test scenes.

| split | first seed | scenes | sentences | colour x bowl |
|---|---|---|---|---|
| ``scenes`` | 0 | unseen | seen patterns | seen pairs |
| ``phrasings`` | 100000 | unseen | held-out patterns of seen words | seen pairs |
| ``words`` | 200000 | unseen | held-out patterns with unseen words | seen pairs |
| ``compositions`` | 300000 | unseen | seen patterns | held-out pairs |
| ``validation`` | 400000 | unseen | seen patterns | seen pairs |
| ``train`` | 1000000 | for training | seen patterns | seen pairs |

``pick_lift`` knows one sentence and no bowl to fill: its seeds 1000 to 1019 trained the shipped
checkpoint, all others are ``scenes``.
"""

import enum

LAST_SEED = 2**31 - 1


class Split(enum.Enum):
    """A part of the data; every decision is taken on ``validation``."""

    TRAIN = 'train'
    VALIDATION = 'validation'
    SCENES = 'scenes'
    PHRASINGS = 'phrasings'
    WORDS = 'words'
    COMPOSITIONS = 'compositions'


FIRST_SEED = {
    Split.SCENES: 0,
    Split.PHRASINGS: 100_000,
    Split.WORDS: 200_000,
    Split.COMPOSITIONS: 300_000,
    Split.VALIDATION: 400_000,
    Split.TRAIN: 1_000_000,
}
"""First seed of each block, ascending; a block ends where the next begins."""

SINGLE_SENTENCE_TASK, ITS_TRAINING_SEEDS = 'pick_lift', range(1000, 1020)

CUBES = ('red', 'green', 'blue', 'yellow', 'purple')
BOWLS = ('white', 'black', 'pink')
HELD_OUT_PAIRS = frozenset(
    {
        ('red', 'black'),
        ('green', 'pink'),
        ('blue', 'white'),
        ('yellow', 'black'),
        ('purple', 'pink'),
    }
)
"""(cube, bowl) never asked for in training; each colour and each bowl is, with others."""


def split_of(task: str, seed: int) -> Split:
    """Return the split of a task's seed.

    Raises:
        ValueError: the seed lies outside 0 .. 2^31 - 1.
    """
    if not 0 <= seed <= LAST_SEED:
        raise ValueError(f'seed = {seed}: must lie between 0 and {LAST_SEED}')
    if task == SINGLE_SENTENCE_TASK:
        return Split.TRAIN if seed in ITS_TRAINING_SEEDS else Split.SCENES
    return max(
        (split for split, first in FIRST_SEED.items() if first <= seed), key=FIRST_SEED.__getitem__
    )


def seeds_of(task: str, split: Split, start: int, count: int) -> range:
    """Return ``count`` seeds of a split, the first of them being its number ``start``.

    Raises:
        ValueError: the split has fewer seeds, or may not show what the task asks for.
    """
    if task == SINGLE_SENTENCE_TASK:
        raise ValueError(f'task = {task!r}: has no splits; give its seeds themselves')
    if split is Split.COMPOSITIONS and not task.startswith('cube_in_bowl'):
        raise ValueError(f'task = {task!r}: has no split compositions: it fills no bowl')
    pair = tuple(task.split(':')[2:])
    if len(pair) == 2 and pair not in pairs_of(split):
        raise ValueError(f'task = {task!r}: split {split.value} does not show this pair')
    first = FIRST_SEED[split]
    end = min((f for f in FIRST_SEED.values() if f > first), default=LAST_SEED + 1)
    if start < 0 or count < 1 or first + start + count > end:
        raise ValueError(
            f'{count} seeds from number {start}: split {split.value} has {end - first}'
        )
    return range(first + start, first + start + count)


def pairs_of(split: Split) -> list[tuple[str, str]]:
    """Return the (cube, bowl) colours that scenes of the split may ask for."""
    held_out = split is Split.COMPOSITIONS
    return [(c, b) for c in CUBES for b in BOWLS if ((c, b) in HELD_OUT_PAIRS) is held_out]
