"""Which pictures an evaluation draws, and their names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vag_core.robot import load_profile
from vag_sim.evaluation.aggregate import Row
from vag_sim.evaluation.gallery import sheet
from vag_sim.evaluation.methods import Method, Source
from vag_sim.evaluation.plots import colours_of, plot_confusion, plot_curves, plot_success
from vag_sim.evaluation.results import Result
from vag_sim.evaluation.scenes import groups_of
from vag_sim.evaluation.work import stem_of
from vag_sim.tasks import FPS

CURVES = 3
"""Scenes whose action curves are drawn, for each split."""
GENERATING = (Source.MODEL, Source.GENERATED)


def draw(
    rows: Sequence[Row], results: Sequence[Result], methods: Sequence[Method], folder: Path
) -> dict[str, list[str]]:
    """Draw all pictures of an evaluation.

    Returns:
        File names in ``folder`` by split.
    """
    sources = {method.name: method.source for method in methods}
    drawn: dict[str, list[str]] = {}
    for split in dict.fromkeys(result.split for result in results):
        of_split = [result for result in results if result.split == split]
        names = drawn.setdefault(split, [])
        names.append(f'success_{split}.png')
        plot_success([row for row in rows if row.split == split], folder / names[-1])
        shown = [
            row
            for row in rows
            if (row.split, row.group) == (split, 'all')
            and sources.get(row.method, Source.MODEL)
            not in (Source.FIRST_FRAME, Source.MEAN_ACTION)
        ]
        names.append(f'confusion_{split}.png')
        plot_confusion(shown, folder / names[-1])
        names += _curves(of_split, methods, folder)
        names += _failures(of_split, sources, folder)
    return drawn


def _curves(results: list[Result], methods: Sequence[Method], folder: Path) -> list[str]:
    """Draw the actions of the first scenes, of each arm and both where there are such."""
    shown = [m.name for m in methods if m.source in (Source.DEMONSTRATION, *GENERATING)]
    colours = colours_of([method.name for method in methods])
    firsts: dict[str, Result] = {}
    for result in results:
        firsts.setdefault(groups_of(result.task, result.arms)[1], result)
    names = []
    for first in list(firsts.values())[:CURVES]:
        same = [r for r in results if (r.task, r.seed) == (first.task, first.seed)]
        actions = {
            result.method: np.load(stem_of(folder, result).with_suffix('.npy'))
            for result in same
            if result.sampler_seed == 0 and result.method in shown
        }
        names.append(f'actions_{stem_of(folder, first).stem}.png')
        title = f'{first.task} {first.seed}: {first.instruction}'
        embodiment = load_profile('sim').as_embodiment()
        plot_curves(
            actions,
            folder / names[-1],
            embodiment=embodiment,
            fps=FPS,
            title=title,
            colours=colours,
        )
    return names


def _failures(results: list[Result], sources: dict[str, Source], folder: Path) -> list[str]:
    """Draw a sheet of failures for every method with a generated video."""
    names = []
    for method, source in sources.items():
        strips = [
            (result, stem_of(folder, result).with_suffix('.jpg'))
            for result in results
            if result.method == method and not result.success
        ]
        if source in GENERATING and strips:
            names.append(f'failures_{results[0].split}_{method}.jpg')
            sheet(strips, folder / names[-1])
    return names
