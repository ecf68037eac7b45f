"""Plots of an evaluation: success bars, confusion of objects, action curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from vag_core.embodiment import Embodiment
from vag_sim.evaluation.aggregate import NOTHING, REFUSED, Row
from vag_sim.evaluation.report import label, ordered_groups

COLOURS = ('#1f6fb4', '#d9480f', '#2b8a3e', '#9c36b5', '#e8a400', '#0b9a9a', '#a3143c', '#7a5c3a')
UNCOLOURED = {
    'demonstration': '#868e96',
    'copy_first_frame': '#ced4da',
    'mean_action': '#e9ecef',
}


def colours_of(methods: Sequence[str]) -> dict[str, str]:
    """Return a colour for each method, the same in every plot of the same methods."""
    others = [method for method in methods if method not in UNCOLOURED]
    found = {method: COLOURS[i % len(COLOURS)] for i, method in enumerate(others)}
    return {**UNCOLOURED, **found}


def plot_success(rows: Sequence[Row], path: Path) -> None:
    """Draw replay success of every method by group, with intervals; rows of one split."""
    groups = ordered_groups(rows)
    methods = list(dict.fromkeys((row.method, row.recorded) for row in rows))
    found = {(row.method, row.recorded, row.group): row for row in rows}
    colours = colours_of([method for method, _ in methods])
    width = 0.84 / len(methods)
    figure = Figure(figsize=(max(8.0, 1.5 + 0.2 * len(groups) * len(methods)), 4.6))
    figure.set_layout_engine('constrained')
    axes = figure.subplots()
    for index, (method, recorded) in enumerate(methods):
        for at, group in enumerate(groups):
            row = found.get((method, recorded, group))
            if row is None:
                continue
            share = row.figures['success']
            place = at + (index - (len(methods) - 1) / 2) * width
            axes.bar(
                place,
                100 * share.value,
                0.92 * width,
                color=colours[method],
                hatch='//' if recorded else None,
                label=label(method, recorded) if group == groups[0] else None,
            )
            error = [[share.value - share.low], [share.high - share.value]]
            axes.errorbar(
                place,
                100 * share.value,
                yerr=100 * np.array(error),
                fmt='o',
                markersize=4,
                markerfacecolor=colours[method],
                markeredgecolor='#343a40',
                ecolor='#343a40',
                elinewidth=0.9,
                capsize=2,
                # A share of 0 or 100 % has its mark on the edge of the panel.
                clip_on=False,
            )
    counts = {group: max(r.scenes for r in rows if r.group == group) for group in groups}
    axes.set_xticks(
        range(len(groups)), [f'{g.replace("_", " ")}\n{counts[g]} scenes' for g in groups]
    )
    axes.set_ylim(0, 100)
    axes.set_ylabel('replay success, % (95 % interval)')
    axes.set_title(f'Replay success in the twin, split {rows[0].split}', loc='left', pad=12)
    axes.grid(axis='y', alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(ncols=1, loc='center left', bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    figure.savefig(path, dpi=120)


def plot_confusion(rows: Sequence[Row], path: Path) -> None:
    """Draw target against chosen object of every row: counts, shaded by share of the target."""
    targets = sorted({target for row in rows for target in row.chosen})
    others = {name for row in rows for counts in row.chosen.values() for name in counts}
    none = [name for name in (NOTHING, REFUSED) if name in others]
    chosen = [*targets, *sorted(others - {*targets, *none}), *none]
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    size = (1.6 + columns * (0.5 * len(chosen) + 0.4), lines * (0.42 * len(targets) + 0.8) + 1.0)
    figure = Figure(figsize=size, layout='constrained')
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(rows) :]:
        axes.set_axis_off()
    for index, (axes, row) in enumerate(zip(grid, rows, strict=False)):
        counts = np.array([[row.chosen.get(t, {}).get(c, 0) for c in chosen] for t in targets])
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap='Blues', vmin=0, vmax=1, aspect='auto')
        for (line, column), count in np.ndenumerate(counts):
            if count:
                shade = 'white' if share[line, column] > 0.55 else 'black'
                axes.text(column, line, count, ha='center', va='center', color=shade, fontsize=9)
        right = row.figures['right_object'].value
        axes.set_title(
            f'{label(row.method, row.recorded)}: {100 * right:.0f} % right', fontsize=10
        )
        across = [n.replace('_', ' ') for n in chosen] if index + columns >= len(rows) else []
        down = [t.replace('_', ' ') for t in targets] if index % columns == 0 else []
        axes.set_xticks(range(len(across)), across, rotation=60, ha='right', fontsize=8)
        axes.set_yticks(range(len(down)), down, fontsize=8)
    figure.supxlabel('chosen object', fontsize=10)
    figure.supylabel('target', fontsize=10)
    figure.savefig(path, dpi=120)


def plot_curves(
    actions: Mapping[str, np.ndarray],
    path: Path,
    *,
    embodiment: Embodiment,
    fps: float,
    title: str,
    colours: Mapping[str, str],
) -> None:
    """Draw every dimension of one scene over time, the methods' over the demonstrated.

    Args:
        actions: (T, D) by method.
        path: PNG file.
        embodiment: names and units of the D dimensions.
        fps: Hz.
        title: of the figure.
        colours: by method.
    """
    columns = min(7, embodiment.dimension)
    lines = -(-embodiment.dimension // columns)
    figure = Figure(figsize=(2.5 * columns, 2.0 * lines + 1.1), layout='constrained')
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
    for index, axes in enumerate(grid):
        if index >= embodiment.dimension:
            axes.set_axis_off()
            continue
        for method, values in actions.items():
            given = method == 'demonstration'
            axes.plot(
                np.arange(len(values)) / fps,
                values[:, index],
                color=colours[method],
                linewidth=3.2 if given else 1.3,
                alpha=0.6 if given else 0.95,
                label=label(method, False),
            )
        unit = embodiment.units[index]
        name = embodiment.dimensions[index].replace('_', ' ')
        axes.set_title(f'{name} [{unit}]', fontsize=9)
        # A resting joint's rounding would otherwise fill the panel.
        low, high = axes.get_ylim()
        least = 0.02 if unit == 'm' else 0.2
        if high - low < least:
            axes.set_ylim((low + high - least) / 2, (low + high + least) / 2)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.25)
    figure.supxlabel('time [s]', fontsize=9)
    figure.suptitle(title, fontsize=11, x=0.01, ha='left')
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc='outside upper right', ncols=len(names), frameon=False, fontsize=9
    )
    figure.savefig(path, dpi=110)
