"""``vag sim``: what can be done with the simulated robot alone."""

import argparse
from pathlib import Path

SUMMARY = 'the simulated robot: record demonstrations'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's commands."""
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    demos = commands.add_parser(
        'demos',
        help='record scripted demonstrations, one episode folder each',
        description='Record scripted demonstrations in the MuJoCo twin. Episode i of a task is '
        'the scene of seed SEED + i; the same seed gives the same actions. Finished episodes are '
        'kept, so an interrupted run can be repeated.',
    )
    demos.add_argument(
        '--tasks',
        nargs='+',
        default=['pick_lift'],
        metavar='TASK',
        help='tasks to demonstrate (default: pick_lift)',
    )
    demos.add_argument(
        '--episodes', type=_positive, default=20, help='episodes per task (default: 20)'
    )
    demos.add_argument(
        '--seed', type=int, default=1000, help='seed of the first scene (default: 1000)'
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
    """Record the demonstrations; return 1 when one of them failed."""
    import cv2
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from vag_sim import demos

    cameras = tuple(arguments.cameras)
    jobs, kept = demos.plan_jobs(
        arguments.tasks, arguments.episodes, arguments.seed, cameras, arguments.out
    )
    failures = []
    with Progress(
        TextColumn('demonstrations'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    ) as progress:
        bar = progress.add_task('', total=len(jobs) + kept, completed=kept)
        for outcome in demos.run_jobs(jobs, arguments.workers):
            if outcome.failure:
                failures.append(outcome)
            progress.advance(bar)
    for outcome in failures:
        print(f'{outcome.job.task} seed {outcome.job.seed}: {outcome.failure}; not saved')
    folders = sorted(path.parent for path in arguments.out.glob('episode_*/episode.json'))
    if folders:
        sheet = arguments.out / 'contact_sheet.png'
        cv2.imwrite(str(sheet), demos.contact_sheet(folders, cameras[0])[:, :, ::-1])
        print(f'{len(folders)} episodes in {arguments.out} ({kept} were there); {sheet}')
    return 1 if failures else 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value}: must be at least 1')
    return value
