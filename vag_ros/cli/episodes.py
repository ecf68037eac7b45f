"""``vag episodes``: what has been recorded."""

import argparse
from pathlib import Path

SUMMARY = 'list the recorded episodes'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        '--output-dir', type=Path, default=Path('output'), help='of the stack (default: output)'
    )
    parser.add_argument('--set-aside', action='store_true', help='those that were set aside')


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    from vag_core.clamps import clamp_words
    from vag_core.library import Library

    table = Table(box=None, pad_edge=False)
    for heading in (
        'episode',
        'UTC',
        'instruction',
        'label',
        's',
        'clamped points',
        'replay',
        'note',
    ):
        table.add_column(heading, overflow='fold')
    records = Library(arguments.output_dir).records(arguments.set_aside)
    for record in records:
        label = {None: '-', True: 'success', False: 'failure'}[record.success]
        outcome = {None: 'no bag', '': 'ended well'}.get(record.outcome, record.outcome)
        table.add_row(
            record.episode_id,
            f'{record.recorded:%Y-%m-%d %H:%M}',
            record.instruction,
            label,
            f'{record.duration:.1f}',
            '-' if record.clamps is None else clamp_words(record.clamps),
            outcome,
            record.note,
        )
    console = Console(highlight=False, markup=False)
    console.print(table)
    print(f'{len(records)} episodes in {arguments.output_dir}')
    return 0
