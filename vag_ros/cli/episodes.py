"""``vag episodes``: what has been recorded."""

import argparse
import sys
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
    table.add_column('episode, UTC, length', no_wrap=True)
    table.add_column('instruction; label: note', overflow='fold')
    table.add_column('replay; clamped points', overflow='fold')
    unreadable: list[ValueError] = []
    records = Library(arguments.output_dir).records(arguments.set_aside, unreadable.append)
    for record in records:
        label = {None: 'no label', True: 'success', False: 'failure'}[record.success]
        outcome = {None: 'no bag', '': 'ended well'}.get(record.outcome, record.outcome)
        known = record.clamps is not None
        clamped = f'\nclamped: {clamp_words(record.clamps)}' if known else ''
        table.add_row(
            f'{record.episode_id}\n{record.recorded:%Y-%m-%d %H:%M}, {record.duration:.1f} s',
            f'{record.instruction}\n{label}' + f': {record.note}' * bool(record.note),
            outcome + clamped,
        )
        table.add_section()
    console = Console(highlight=False, markup=False)
    console.print(table)
    print(f'{len(records)} episodes in {arguments.output_dir}')
    for error in unreadable:
        print(f'left out: {error}', file=sys.stderr)
    return 0
