"""``vag sim evaluate``: its arguments, and what they ask for."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vag_core import resources
from vag_sim.splits import Split

if TYPE_CHECKING:
    from vag_sim.evaluation.methods import Method
    from vag_sim.evaluation.scenes import EvaluationScene

SCENES, QUICK_SCENES, FULL_SCENES, FULL_SEEDS = 100, 12, 200, 3
UNUSABLE = 2
HELD_OUT = tuple(split for split in Split if split is not Split.TRAIN)


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare ``evaluate`` beside the other commands of ``vag sim``."""
    parser = commands.add_parser(
        'evaluate',
        help='compare checkpoints and baselines in scenes nobody trained on',
        description='Generate in held-out scenes of the MuJoCo twin, compare with the '
        'demonstrations, replay, judge; write report.json, report.md and pictures. Results are '
        'kept one by one, so an interrupted run goes on where it stopped.',
    )
    parser.add_argument(
        '--checkpoint',
        default=resources.DEFAULT_CHECKPOINT,
        help='name or folder (default: %(default)s)',
    )
    parser.add_argument(
        '--literal',
        metavar='DIR',
        help="checkpoint with the paper's global bridge (default: CHECKPOINT_literal, if there)",
    )
    parser.add_argument(
        '--reader',
        nargs='+',
        action='extend',
        metavar='DIR',
        help='what reads actions from a video (default: every reader CHECKPOINT_* that is there)',
    )
    parser.add_argument(
        '--split',
        choices=[split.value for split in HELD_OUT],
        default=Split.SCENES.value,
        help='which scenes and sentences (default: scenes)',
    )
    parser.add_argument('--scenes', type=int, help=f'how many (default: {SCENES})')
    parser.add_argument('--seeds', type=int, help='sampler seeds in each scene (default: 1)')
    parser.add_argument(
        '--tasks',
        nargs='+',
        default=[],
        metavar='TASK',
        help='tasks, separated by commas or spaces (default: all that the split has)',
    )
    parser.add_argument(
        '--methods',
        nargs='+',
        default=[],
        metavar='METHOD',
        help='only these rows (default: all that the folders make possible)',
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument('--quick', action='store_true', help=f'{QUICK_SCENES} scenes')
    size.add_argument(
        '--full',
        action='store_true',
        help=f'{FULL_SCENES} scenes and {FULL_SEEDS} sampler seeds of every split',
    )
    parser.add_argument('--workers', type=int, help='processes (default: one per core)')
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('output/evaluation'),
        help='folder for results and report (default: output/evaluation)',
    )
    parser.add_argument('--json', action='store_true', help='print report.json')


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; return 2 for unusable arguments."""
    from vag_core.checkpoint import checkpoint_folder
    from vag_sim.evaluation.session import Session

    try:
        session = Session(
            scenes=_scenes(arguments),
            seeds=_seeds(arguments),
            methods=_methods(arguments),
            checkpoint=checkpoint_folder(arguments.checkpoint),
            folder=arguments.out,
            workers=arguments.workers,
            say=_to_stderr if arguments.json else print,
        )
    except (ValueError, FileNotFoundError) as error:
        print(f'vag sim evaluate: {error}', file=sys.stderr)
        return UNUSABLE
    session.measure(say_duration=arguments.full)
    session.report(as_json=arguments.json)
    return 0


def _scenes(arguments: argparse.Namespace) -> list['EvaluationScene']:
    """Return the scenes; ValueError names what can't be."""
    from vag_sim.evaluation.scenes import TASKS, choose_scenes, tasks_of

    default = QUICK_SCENES if arguments.quick else FULL_SCENES if arguments.full else SCENES
    count = default if arguments.scenes is None else arguments.scenes
    for option, value in (('--scenes', count), ('--workers', arguments.workers)):
        if value is not None and value < 1:
            raise ValueError(f'{option} = {value}: must be at least 1')
    tasks = _words(arguments.tasks)
    if not arguments.full:
        split = Split(arguments.split)
        return choose_scenes(tasks or tasks_of(split), split, count)
    scenes = []
    for split in HELD_OUT:
        there = [task for task in tasks if task.split(':')[0] in tasks_of(split)]
        if there or not tasks:
            scenes += choose_scenes(there or tasks_of(split), split, count)
    if not scenes:
        raise ValueError(f'--tasks = {", ".join(tasks)}: --full takes {", ".join(TASKS)}')
    return scenes


def _seeds(arguments: argparse.Namespace) -> int:
    default = FULL_SEEDS if arguments.full else 1
    seeds = default if arguments.seeds is None else arguments.seeds
    if seeds < 1:
        raise ValueError(f'--seeds = {seeds}: must be at least 1')
    return seeds


def _methods(arguments: argparse.Namespace) -> list['Method']:
    from vag_core.checkpoint import checkpoint_folder
    from vag_sim.evaluation.methods import companions, find_methods

    folder = checkpoint_folder(arguments.checkpoint)
    literal, readers = companions(folder)
    return find_methods(
        folder,
        arguments.literal or literal,
        readers if arguments.reader is None else arguments.reader,
        _words(arguments.methods),
    )


def _words(texts: Sequence[str]) -> list[str]:
    return [word for text in texts for word in text.split(',') if word]


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
