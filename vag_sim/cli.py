"""``vag sim``: what can be done with the simulated robot alone."""

import argparse
import sys
from pathlib import Path

from vag_sim.splits import Split

SUMMARY = 'the simulated robot: record demonstrations, replay actions'
UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's commands."""
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    demos = commands.add_parser(
        'demos',
        help='record scripted demonstrations, one episode folder each',
        description='Record scripted demonstrations in the MuJoCo twin. Episode i of a task is '
        'the scene number SEED + i of the split; the same seed gives the same actions. Finished '
        'episodes are kept, so an interrupted run can be repeated, and a set can grow.',
    )
    demos.add_argument(
        '--tasks',
        type=_names,
        nargs='+',
        default=[['pick_lift']],
        metavar='TASK',
        help='tasks to demonstrate, separated by commas or spaces (default: pick_lift)',
    )
    demos.add_argument(
        '--split',
        choices=[split.value for split in Split] + ['none'],
        default=Split.TRAIN.value,
        help='which scenes and sentences (default: train); none: SEED is the seed itself, as '
        'always for pick_lift, which has no splits',
    )
    demos.add_argument(
        '--episodes', type=_positive, default=20, help='episodes per task (default: 20)'
    )
    demos.add_argument(
        '--seed', type=int, default=1000, help='number of the first scene (default: 1000)'
    )
    demos.add_argument(
        '--halve', action='store_true', help='halve the pictures, every pixel the mean of four'
    )
    demos.add_argument(
        '--cameras',
        nargs='+',
        default=['cam_high'],
        metavar='CAMERA',
        help='views to record (default: cam_high)',
    )
    demos.add_argument('--workers', type=_positive, help='processes (default: one per core)')
    demos.add_argument('--out', type=Path, required=True, help='folder for the episodes')


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command and return its exit status."""
    return {'demos': _demos}[arguments.command](arguments)


def _demos(arguments: argparse.Namespace) -> int:
    """Record the demonstrations; return 1 when one of them failed, 2 for unusable arguments."""
    import cv2
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from vag_sim import demos

    cameras = tuple(arguments.cameras)
    split = None if arguments.split == 'none' else Split(arguments.split)
    tasks = [name for names in arguments.tasks for name in names]
    try:
        seeds = {
            task: demos.seeds_to_record(task, split, arguments.seed, arguments.episodes)
            for task in tasks
        }
        jobs, kept = demos.plan_jobs(seeds, cameras, arguments.out, halved=arguments.halve)
    except ValueError as error:
        print(f'vag sim demos: {error}', file=sys.stderr)
        return UNUSABLE
    failures = []
    with Progress(
        TextColumn('demonstrations'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(elapsed_when_finished=False),
    ) as progress:
        bar = progress.add_task('', total=len(jobs) + kept, completed=kept)
        for outcome in demos.run_jobs(jobs, arguments.workers):
            if outcome.failure:
                failures.append(outcome)
            progress.advance(bar)
    for outcome in failures:
        print(f'{outcome.job.task} seed {outcome.job.seed}: {outcome.failure}; not saved')
    folders = sorted(path.parent for path in arguments.out.glob('*/episode.json'))
    if folders:
        sheet = arguments.out / 'contact_sheet.png'
        cv2.imwrite(str(sheet), demos.contact_sheet(folders, cameras[0])[:, :, ::-1])
        print(f'{len(folders)} episodes in {arguments.out} ({kept} were there); {sheet}')
    return 1 if failures else 0


def _names(text: str) -> list[str]:
    return [name for name in text.split(',') if name]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value}: must be at least 1')
    return value
