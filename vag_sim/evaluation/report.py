"""The report of an evaluation: report.json for programs, report.md for people."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vag_core.files import write_whole
from vag_core.metrics.intervals import Estimate
from vag_sim.evaluation.aggregate import BINS, Bin, Row

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table: the figure, its heading with unit, a factor and the decimals shown."""

    figure: str
    heading: str
    factor: float = 1.0
    decimals: int = 2


TABLES = {
    'Replay and actions': (
        Column('success', 'replay success %', 100, 0),
        Column('robot_success', 'accepted and success %', 100, 0),
        Column('right_arm', 'right arm %', 100, 0),
        Column('right_object', 'right object %', 100, 0),
        Column('target_error_mm', 'target error mm', 1, 0),
        Column('distance', 'ED', 1, 3),
        Column('entries_within', 'SR entries %', 100, 1),
        Column('frames_within', 'SR frames %', 100, 1),
        Column('inference_s', 'inference s', 1, 1),
    ),
    'Differences from vag in the same scenes': (
        Column('success_difference', 'replay success, points', 100, 0),
        Column('distance_difference', 'ED', 1, 3),
    ),
    'Actions with grippers scaled 0-1 by stroke': (
        Column('strokes_distance', 'ED', 1, 3),
        Column('strokes_entries_within', 'SR entries %', 100, 1),
        Column('strokes_frames_within', 'SR frames %', 100, 1),
    ),
    'Video': (
        Column('psnr', 'PSNR dB'),
        Column('psnr_moving', 'PSNR moving dB'),
        Column('moving_gain', 'over first frame dB'),
        Column('ssim', 'SSIM', 1, 3),
        Column('ssim_moving', 'SSIM moving', 1, 3),
        Column('consistency', 'consistency dB'),
    ),
}

BY_GROUP = {'success': 'Replay success %', 'right_arm': 'Right arm %'}


def report_of(rows: Sequence[Row], about: dict[str, Any]) -> dict[str, Any]:
    """Return what report.json holds: the rows and what they are about."""
    return {
        'schema_version': SCHEMA_VERSION,
        **about,
        'rows': [dataclasses.asdict(row) for row in rows],
    }


def recorded_rows(path: Path, checkpoint_hash: str, measured: Iterable[Row]) -> list[Row]:
    """Return the rows of an earlier report that were not measured now, marked ``recorded``.

    Args:
        path: a copy of a report.json; it may be missing.
        checkpoint_hash: of the checkpoint evaluated now.
        measured: the rows of this evaluation.

    Raises:
        ValueError: the file is no report of this release, or of another checkpoint.
    """
    if not path.exists():
        return []
    try:
        report = json.loads(path.read_text())
        version, known = report['schema_version'], report['checkpoint']['hash']
        rows = [_row_of(fields) for fields in report['rows']]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: not a report.json: {error!r}') from None
    if version != SCHEMA_VERSION:
        raise ValueError(
            f'{path}: schema_version = {version}, this release reads {SCHEMA_VERSION}'
        )
    if known != checkpoint_hash:
        raise ValueError(
            f'{path}: checkpoint.hash = {known[:12]}, the checkpoint has {checkpoint_hash[:12]}'
        )
    there = {(row.method, row.split, row.group) for row in measured}
    return [row for row in rows if (row.method, row.split, row.group) not in there]


def _row_of(fields: dict[str, Any]) -> Row:
    return Row(
        **{
            **fields,
            'figures': {name: Estimate(**value) for name, value in fields['figures'].items()},
            'bins': {name: Bin(**value) for name, value in fields['bins'].items()},
            'recorded': True,
        }
    )


def write_report(folder: Path, report: dict[str, Any], text: str) -> None:
    """Write report.json and report.md."""
    write_whole(folder / 'report.json', (json.dumps(report, indent=1) + '\n').encode())
    write_whole(folder / 'report.md', text.encode())


def markdown(
    rows: Sequence[Row],
    title: str,
    notes: Sequence[str],
    pictures: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Return the tables of every split as Markdown, its pictures (file names) below."""
    lines = [f'# {title}', '', *notes, '']
    lines.append(
        'Values are means over scenes with 95 % intervals; docs/evaluation.md defines them.'
    )
    for split in dict.fromkeys(row.split for row in rows):
        of_split = [row for row in rows if row.split == split]
        overall = [row for row in of_split if row.group == 'all']
        lines += ['', f'## Split `{split}`']
        for heading, columns in TABLES.items():
            lines += ['', f'### {heading}', '', *_figures(overall, columns)]
        for figure, heading in BY_GROUP.items():
            lines += ['', f'### {heading} by arms and task', '', *_groups(of_split, figure)]
        lines += ['', '### Failures by target error', '', *_bins(overall)]
        lines += ['', '### Target and chosen object', '', *_confusions(overall)]
        for name in (pictures or {}).get(split, []):
            lines += ['', f'![{name}]({name})']
    return '\n'.join(lines) + '\n'


def summary(rows: Sequence[Row]) -> str:
    """Return the first table of each split as plain Markdown, for the terminal."""
    parts = []
    heading, columns = next(iter(TABLES.items()))
    for split in dict.fromkeys(row.split for row in rows):
        overall = [row for row in rows if row.split == split and row.group == 'all']
        parts.append('\n'.join([f'{heading}, split {split}', *_figures(overall, columns)]))
    return '\n\n'.join(parts)


def cell(estimate: Estimate | None, column: Column) -> str:
    """Return a value with its interval, or a dash."""
    if estimate is None:
        return '-'
    value, low, high = (
        f'{column.factor * number:.{column.decimals}f}'
        for number in (estimate.value, estimate.low, estimate.high)
    )
    return f'{value} ({low} to {high})'


def _figures(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    shown = [row for row in rows if any(column.figure in row.figures for column in columns)]
    return _table(
        ['method', 'scenes x seeds', *(column.heading for column in columns)],
        [
            [
                _name(row),
                f'{row.scenes} x {row.sampler_seeds}',
                *(cell(row.figures.get(column.figure), column) for column in columns),
            ]
            for row in shown
        ],
    )


def _groups(rows: Sequence[Row], figure: str) -> list[str]:
    order = ordered_groups(rows)
    column = Column(figure, '', 100, 0)
    found = {(row.method, row.recorded, row.group): row for row in rows}
    methods = dict.fromkeys((row.method, row.recorded) for row in rows)
    lines = []
    for method in methods:
        cells = []
        for group in order:
            row = found.get((*method, group))
            cells.append(
                '-' if row is None else f'{cell(row.figures[figure], column)} of {row.scenes}'
            )
        lines.append([label(*method), *cells])
    return _table(['method', *order], lines)


def _bins(rows: Sequence[Row]) -> list[str]:
    lines = [
        [
            _name(row),
            *(
                f'{row.bins[b].results - row.bins[b].successes} of {row.bins[b].results}'
                for b in BINS
            ),
        ]
        for row in rows
    ]
    return [*_table(['method', *BINS], lines), '', 'Failures of results in each bin.']


def _confusions(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        for target, counts in row.chosen.items():
            chosen = sorted(counts.items(), key=lambda item: -item[1])
            lines.append([_name(row), target, ', '.join(f'{name} {n}' for name, n in chosen)])
    return _table(['method', 'target', 'chosen, times'], lines)


def ordered_groups(rows: Sequence[Row]) -> list[str]:
    """Return the groups of rows: all, then by arms, then by task."""
    groups = list(dict.fromkeys(row.group for row in rows))
    order = [group for group in ('all', 'left', 'right', 'both') if group in groups]
    return order + [group for group in groups if group not in order]


def _name(row: Row) -> str:
    return label(row.method, row.recorded)


def label(method: str, recorded: bool) -> str:
    """Return what tables and plots call a method."""
    return method.replace('_', ' ') + ' (recorded)' * recorded


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    rule = ['---'] * len(header)
    return [f'| {" | ".join(line)} |' for line in (header, rule, *lines)]
