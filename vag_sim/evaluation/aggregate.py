"""Results to rows: each figure's mean over scenes with its 95 % interval, by split and group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vag_core.metrics.intervals import Estimate, bootstrap, wilson
from vag_sim.evaluation.results import Result
from vag_sim.evaluation.scenes import groups_of

SHARES = ('success', 'robot_success', 'right_arm', 'right_object')
"""Figures that are true or false: their intervals are Wilson's, the others' are bootstrapped."""
MEANS = (
    'target_error_mm',
    'distance',
    'entries_within',
    'frames_within',
    'strokes_distance',
    'strokes_entries_within',
    'strokes_frames_within',
    'psnr',
    'psnr_moving',
    'moving_gain',
    'ssim',
    'ssim_moving',
    'consistency',
    'inference_s',
)
PAIRED = ('success', 'distance')
"""Figures whose difference from the reference method in the same scenes is given as well."""
REFERENCE = 'vag'
BINS_MM = (12.0, 40.0)
"""Bounds between the bins of the target error: the gripper's opening leaves a cube 12 mm."""
NOTHING, REFUSED = 'nothing', 'refused'
BINS = ('below 12 mm', '12 to 40 mm', 'above 40 mm', REFUSED)


@dataclass(frozen=True)
class Bin:
    """Results whose target error lies in one range: how many, and how many of them succeeded."""

    results: int
    successes: int


@dataclass(frozen=True)
class Row:
    """One method in one group of one split.

    Attributes:
        method, split, group: what the row is about.
        scenes: how many.
        sampler_seeds: most results of one scene.
        figures: by name; what the method has no value for is left out. ``success_difference`` and
            ``distance_difference`` are less those of ``vag`` in the same scenes.
        bins: by the names in ``BINS``.
        chosen: by target, how often which object was chosen, ``nothing``, or the replay refused.
        recorded: copied from an earlier evaluation, not measured in this one.
    """

    method: str
    split: str
    group: str
    scenes: int
    sampler_seeds: int
    figures: dict[str, Estimate]
    bins: dict[str, Bin]
    chosen: dict[str, dict[str, int]]
    recorded: bool = False


def aggregate(results: Sequence[Result]) -> list[Row]:
    """Return a row for each method, split and group that has results, in the order met."""
    members: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        for group in groups_of(result.task, result.arms):
            members.setdefault((result.method, result.split, group), []).append(result)
    return [
        _row(of, found, members.get((REFERENCE, *of[1:]), [])) for of, found in members.items()
    ]


def _row(of: tuple[str, str, str], results: list[Result], reference: list[Result]) -> Row:
    method, split, group = of
    by_scene = _by_scene(results)
    scenes = list(by_scene.values())
    figures = {}
    for name in (*SHARES, *MEANS):
        values = np.array([m for m in (_mean(name, scene) for scene in scenes) if m is not None])
        if len(values):
            # Seeds of one scene are not independent, so a scene counts once in every interval.
            share = name in SHARES
            figures[name] = (
                wilson(float(values.mean()), len(values)) if share else bootstrap(values)
            )
    if method != REFERENCE:
        figures |= _differences(by_scene, _by_scene(reference))
    return Row(
        method=method,
        split=split,
        group=group,
        scenes=len(scenes),
        sampler_seeds=max(map(len, scenes)),
        figures=figures,
        bins={
            name: Bin(len(found), sum(result.success for result in found))
            for name in BINS
            for found in [[result for result in results if bin_of(result) == name]]
        },
        chosen=_confusion(results),
    )


def _by_scene(results: list[Result]) -> dict[tuple[str, int], list[Result]]:
    scenes: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        scenes.setdefault((result.task, result.seed), []).append(result)
    return scenes


def _differences(
    scenes: dict[tuple[str, int], list[Result]], reference: dict[tuple[str, int], list[Result]]
) -> dict[str, Estimate]:
    """Figures less the reference's in the scenes that both have, as ``NAME_difference``."""
    both = [scene for scene in scenes if scene in reference]
    if not both:
        return {}
    differences = {
        name: [_mean(name, scenes[scene]) - _mean(name, reference[scene]) for scene in both]
        for name in PAIRED
    }
    return {f'{name}_difference': bootstrap(np.array(v)) for name, v in differences.items()}


def _mean(name: str, results: list[Result]) -> float | None:
    """Mean of a figure over the sampler seeds of one scene; None where it has no value."""
    values = [v for v in (getattr(result, name) for result in results) if v is not None]
    return float(np.mean(values)) if values else None


def bin_of(result: Result) -> str:
    """Name of the bin of a result's target error."""
    if result.target_error_mm is None:
        return BINS[-1]
    return BINS[int(np.searchsorted(BINS_MM, result.target_error_mm, side='right'))]


def _confusion(results: list[Result]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for result in results:
        counts.setdefault(result.target, Counter())[
            result.chosen or (REFUSED if result.refused else NOTHING)
        ] += 1
    return {target: dict(sorted(counts[target].items())) for target in sorted(counts)}
