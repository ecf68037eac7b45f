"""Instructions: a small grammar that says each goal in many ways, and the way back to the task.

A pattern holds slots ``{colour} {bowl} {arm}`` and choices ``(a|b)``.
"""

import functools
import itertools
import re

from vag_sim.splits import BOWLS, CUBES, Split

_LIFT = '(pick up|lift|raise)'
_PUT = '(put|place)'
_WITH = '(with|using)'

_SEEN = {
    'lift_cube': (
        f'{_LIFT} the {{colour}} cube {_WITH} the {{arm}} arm',
        f'use the {{arm}} arm to {_LIFT} the {{colour}} cube',
        f'{_WITH} the {{arm}} arm, {_LIFT} the {{colour}} cube',
        f'{{arm}} arm: {_LIFT} the {{colour}} cube',
        'take the {colour} cube with your {arm} arm and (lift|raise) it',
    ),
    'cube_in_bowl': (
        f'{_PUT} the {{colour}} cube (in|into) the {{bowl}} bowl {_WITH} the {{arm}} arm',
        f'use the {{arm}} arm to {_PUT} the {{colour}} cube (in|into) the {{bowl}} bowl',
        f'{_WITH} the {{arm}} arm, {_PUT} the {{colour}} cube (in|into) the {{bowl}} bowl',
        f'{{arm}} arm: {_PUT} the {{colour}} cube (in|into) the {{bowl}} bowl',
        f'take the {{colour}} cube with your {{arm}} arm and {_PUT} it (in|into) '
        'the {bowl} bowl',
    ),
    'lift_tray': (
        f'{_LIFT} the tray {_WITH} both arms',
        f'use both arms to {_LIFT} the tray',
        f'{_WITH} both arms, {_LIFT} the tray',
        f'both arms: {_LIFT} the tray',
        'take the tray with both your arms and (lift|raise) it',
    ),
}
_HELD_OUT_PATTERNS = {
    'lift_cube': (
        'with your {arm} arm, take the {colour} cube and (lift|raise) it',
        'the {colour} cube: (lift|raise) it using your {arm} arm',
        f'your {{arm}} arm: use it to {_LIFT} the {{colour}} cube',
    ),
    'cube_in_bowl': (
        f'(in|into) the {{bowl}} bowl {_PUT} the {{colour}} cube {_WITH} the {{arm}} arm',
        f'the {{colour}} cube: {_PUT} it (in|into) the {{bowl}} bowl using your {{arm}} arm',
        f'your {{arm}} arm: use it to {_PUT} the {{colour}} cube (in|into) the {{bowl}} bowl',
    ),
    'lift_tray': (
        'the tray: (lift|raise) it using both arms',
        'with both your arms, take the tray and (lift|raise) it',
        f'use your left arm and your right arm to {_LIFT} the tray',
    ),
}
_HELD_OUT_WORDS = {
    'lift_cube': (
        'grab the {colour} block with the {arm} hand',
        'hoist the {colour} block using the {arm} gripper',
        'could you elevate the {colour} cube with the {arm} hand',
    ),
    'cube_in_bowl': (
        'drop the {colour} block in the {bowl} dish with the {arm} hand',
        'deposit the {colour} block into the {bowl} bowl using the {arm} gripper',
        'could you move the {colour} cube to the {bowl} dish with the {arm} hand',
    ),
    'lift_tray': (
        'grab the tray with both hands',
        'hoist the platter using both grippers',
        'could you elevate the tray with two hands',
    ),
}


@functools.cache
def patterns(task: str, split: Split) -> tuple[str, ...]:
    """Return the sentences of a task that a split uses, choices made, slots still open.

    The first of the seen ones is the plainest.
    """
    pool = {Split.PHRASINGS: _HELD_OUT_PATTERNS, Split.WORDS: _HELD_OUT_WORDS}.get(split, _SEEN)
    return tuple(sentence for pattern in pool[task] for sentence in _choices(pattern))


def _choices(pattern: str) -> list[str]:
    """Write out every combination of the choices ``(a|b)``."""
    parts = re.split(r'\(([^)]*)\)', pattern)
    options = [p.split('|') if i % 2 else [p] for i, p in enumerate(parts)]
    return [''.join(combination) for combination in itertools.product(*options)]


def words(sentence: str) -> set[str]:
    """Return the words of a sentence or of an open pattern without its slots."""
    return set(re.findall(r'[a-z]+', re.sub(r'\{\w+\}', ' ', sentence.lower())))


@functools.cache
def training_words() -> frozenset[str]:
    """Return every word that a sentence of the training split can hold."""
    seen = {w for task in _SEEN for p in patterns(task, Split.TRAIN) for w in words(p)}
    return frozenset(seen | {*CUBES, *BOWLS, 'left', 'right'})


def task_of(instruction: str) -> str:
    """Return the task that an instruction asks for, e.g. ``cube_in_bowl:left:red:white``.

    It is told by the named colours and arms, so other sentences than the grammar's serve too.

    Raises:
        ValueError: saying what the instruction does not name, or names twice.
    """
    said = words(instruction)
    bowls = [bowl for bowl in BOWLS if bowl in said]
    if said & {'tray', 'platter'}:
        return 'lift_tray'
    cube, arm = (
        _the_one(instruction, 'cube', CUBES),
        _the_one(instruction, 'arm', ('left', 'right')),
    )
    if bowls or said & {'bowl', 'dish'}:
        return f'cube_in_bowl:{arm}:{cube}:{_the_one(instruction, "bowl", BOWLS)}'
    return f'lift_cube:{arm}:{cube}'


def _the_one(instruction: str, what: str, known: tuple[str, ...]) -> str:
    found = [name for name in known if name in words(instruction)]
    if len(found) != 1:
        raise ValueError(
            f'instruction = {instruction!r}: names {len(found)} of the {what}s '
            f'{", ".join(known)}; one is needed'
        )
    return found[0]
