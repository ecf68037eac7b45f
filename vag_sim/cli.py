"""``vag sim``: what can be done with the simulated robot alone."""

import argparse
import dataclasses
import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vag_sim.arguments import names, positive
from vag_sim.evaluation import command as evaluate
from vag_sim.splits import Split

if TYPE_CHECKING:
    import numpy as np

SUMMARY = 'the simulated robot: record demonstrations, replay actions, evaluate checkpoints'
SUCCESS, UNUSABLE, FAILURE = 0, 2, 3


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
        type=names,
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
        '--episodes', type=positive, default=20, help='episodes per task (default: 20)'
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
    demos.add_argument('--workers', type=positive, help='processes (default: one per core)')
    demos.add_argument('--out', type=Path, required=True, help='folder for the episodes')
    replay = commands.add_parser(
        'replay',
        help='replay actions in the scene of a seed and judge them',
        description='Replay actions in the MuJoCo twin and judge them by where things end up. The '
        'exit status is 0 for success, 3 for failure, 2 for unusable arguments.',
    )
    source = replay.add_mutually_exclusive_group(required=True)
    source.add_argument('--episode', type=Path, metavar='DIR', help='an episode folder')
    source.add_argument('--actions', type=Path, metavar='A.npy', help='(T, D) rad and m')
    replay.add_argument('--task', help="task; default: the episode's own")
    replay.add_argument('--seed', type=int, help="seed of the scene; default: the episode's own")
    replay.add_argument(
        '--fps', type=float, default=10.0, help='rate of --actions, Hz (default: 10)'
    )
    replay.add_argument('--video', type=Path, metavar='OUT.mp4', help='film it')
    replay.add_argument(
        '--camera', default='cam_high', help='camera of the film (default: cam_high)'
    )
    replay.add_argument('--json', action='store_true', help='print one JSON object instead')
    evaluate.add_command(commands)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command and return its exit status."""
    commands = {'demos': _demos, 'replay': _replay, 'evaluate': evaluate.run}
    return commands[arguments.command](arguments)


def _demos(arguments: argparse.Namespace) -> int:
    """Record the demonstrations; return 1 when one of them failed, 2 for unusable arguments."""
    import cv2

    from vag_sim import demos
    from vag_sim.pool import progress_bar

    cameras = tuple(arguments.cameras)
    split = None if arguments.split == 'none' else Split(arguments.split)
    tasks = list(itertools.chain.from_iterable(arguments.tasks))
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
    with progress_bar('demonstrations', len(jobs) + kept, kept) as advance:
        for outcome in demos.run_jobs(jobs, arguments.workers):
            if outcome.failure:
                failures.append(outcome)
            advance()
    for outcome in failures:
        print(f'{outcome.job.task} seed {outcome.job.seed}: {outcome.failure}; not saved')
    folders = sorted(path.parent for path in arguments.out.glob('*/episode.json'))
    if folders:
        sheet = arguments.out / 'contact_sheet.png'
        cv2.imwrite(str(sheet), demos.contact_sheet(folders, cameras[0])[:, :, ::-1])
        print(f'{len(folders)} episodes in {arguments.out} ({kept} were there); {sheet}')
    return 1 if failures else 0


def _replay(arguments: argparse.Namespace) -> int:
    """Replay, print the verdict; return 0 for success, 3 for failure, 2 for unusable arguments."""
    from vag_core.images import write_mp4
    from vag_sim.replay import replay

    try:
        actions, fps, task, seed = _what_to_replay(arguments)
        camera = arguments.camera if arguments.video else ''
        verdict, frames = replay(task, seed, actions, fps, camera=camera)
    except (ValueError, OSError) as error:
        print(f'vag sim replay: {error}', file=sys.stderr)
        return UNUSABLE
    if frames is not None:
        write_mp4(arguments.video, frames, fps)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(verdict), indent=2))
    else:
        for name, value in dataclasses.asdict(verdict).items():
            if value not in ('', {}):
                print(f'{name:12} {_rounded(value)}')
    return SUCCESS if verdict.success else FAILURE


def _what_to_replay(arguments: argparse.Namespace) -> tuple['np.ndarray', float, str, int]:
    """Return actions, their rate, task and seed; ValueError names what is missing."""
    import numpy as np

    from vag_core.episode import load_episode

    known = {}
    if arguments.episode:
        episode = load_episode(arguments.episode)
        actions, fps, known = episode.actions, episode.fps, episode.provenance
    else:
        actions, fps = np.load(arguments.actions, allow_pickle=False), arguments.fps
    task = known.get('task') if arguments.task is None else arguments.task
    seed = known.get('seed') if arguments.seed is None else arguments.seed
    for option, value in (('--task', task), ('--seed', seed)):
        if value is None:
            raise ValueError(f'{option}: is needed, the actions do not say it')
    return actions, fps, task, seed


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return ', '.join(f'{name} {number:.4f}' for name, number in value.items())
    return value
