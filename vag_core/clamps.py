"""What a planner moved onto position limits, in words for people."""

from collections.abc import Mapping, Sequence


def clamp_words(
    counts: Mapping[str, int],
    largest: Mapping[str, float] | None = None,
    units: Sequence[str] = (),
) -> str:
    """Say which joints were clamped at how many points: ``none``, or joint by joint.

    Args:
        counts: points by joint; joints without any are left out.
        largest: the largest move of each joint, in its unit.
        units: ``rad`` or ``m``, in the order of ``counts``; needed for ``largest``.
    """
    words = []
    for index, (joint, count) in enumerate(counts.items()):
        if not count:
            continue
        text = f'{joint} {count}'
        if largest is not None:
            in_metres = units[index] == 'm'
            text += f' (by {1e3 * largest[joint]:.1f} {"mm" if in_metres else "mrad"})'
        words.append(text)
    return ', '.join(words) or 'none'
