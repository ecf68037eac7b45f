"""``vag synthesize``: make a data set of generated episodes that the twin has judged."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from vag_core import resources
from vag_sim.arguments import names, positive
from vag_sim.splits import Split

SUMMARY = 'generate a data set, replay every episode in the twin, keep what succeeds'
DONE, UNUSABLE = 0, 2
MIN_CONSISTENCY = 14.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.description = (
        'Generate episodes from scenes of the twin (--tasks) or from a list of pictures and '
        'instructions (--list), replay each in its scene and judge it: kept when the task is '
        'accomplished and the video agrees with the replay. Nothing is thrown away: rejected '
        'episodes are written with their reason, those from pictures as unjudged. Finished '
        'episodes are kept, so an interrupted run can be repeated, and a set can grow.'
    )
    parser.add_argument(
        '--checkpoint',
        default=resources.DEFAULT_CHECKPOINT,
        help='name or folder (default: %(default)s)',
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        '--tasks', type=names, nargs='+', metavar='TASK', help='tasks, by commas or spaces'
    )
    source.add_argument(
        '--list',
        type=Path,
        metavar='FILE',
        help='.yaml, .json, .jsonl or .csv with image and instruction, perhaps seed, start_state',
    )
    parser.add_argument(
        '--split',
        choices=[split.value for split in Split],
        default=Split.TRAIN.value,
        help='which scenes and sentences (default: train); pick_lift has no splits',
    )
    parser.add_argument(
        '--episodes', type=positive, default=20, help='scenes per task (default: 20)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='number of the first scene of the split (default: 0)'
    )
    parser.add_argument(
        '--noise',
        type=int,
        default=0,
        metavar='N',
        help='number of the noise; another one gives other episodes of the same scenes '
        '(default: 0)',
    )
    parser.add_argument('--steps', type=int, help="of the sampler; default: the checkpoint's")
    parser.add_argument(
        '--min-consistency',
        type=float,
        default=MIN_CONSISTENCY,
        metavar='DB',
        help='lowest PSNR of the video against the film of its replay, over the pixels that move '
        'in either, of an episode that is kept (default: %(default)s)',
    )
    parser.add_argument('--workers', type=positive, help='processes (default: one per core)')
    parser.add_argument('--out', type=Path, required=True, help='folder of the set')
    parser.add_argument('--json', action='store_true', help='print the summary as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Make the set and print what it came to; return 2 for unusable arguments."""
    from vag_core.checkpoint import find_checkpoint, hash_folder
    from vag_sim.pool import progress_bar
    from vag_sim.synthesis.run import plan_synthesis
    from vag_sim.synthesis.settings import Settings
    from vag_sim.synthesis.summary import summarise, table

    try:
        folder, _ = find_checkpoint(arguments.checkpoint)
        settings = Settings(
            folder,
            hash_folder(folder),
            arguments.min_consistency,
            arguments.noise,
            arguments.steps,
        )
        work = plan_synthesis(_items(arguments), settings, arguments.out)
    except (ValueError, OSError) as error:
        print(f'vag synthesize: {error}', file=sys.stderr)
        return UNUSABLE
    found: Counter[str] = Counter()
    with progress_bar('episodes', work.total, work.total - len(work.missing)) as advance:
        for judgement in work.run(arguments.workers):
            found[judgement.outcome.value] += 1
            advance()
    summary = summarise(arguments.out)
    _draw_sheets(arguments.out)
    if arguments.json:
        print(json.dumps(summary, indent=2))
        return DONE
    made = ', '.join(f'{count} {outcome}' for outcome, count in sorted(found.items())) or 'nothing'
    print(f'made now: {made}; in {arguments.out}:')
    print(table(summary))
    return DONE


def _items(arguments: argparse.Namespace) -> list:
    from vag_core.jobs import read_jobs
    from vag_sim.demos import seeds_to_record
    from vag_sim.synthesis.settings import PictureItem, check_scene

    if arguments.list is not None:
        jobs = read_jobs(arguments.list, None, arguments.seed)
        for job in jobs:
            job.pixels()
        return [PictureItem(job) for job in jobs]
    split = Split(arguments.split)
    return [
        check_scene(task, seed)
        for listed in arguments.tasks
        for task in listed
        for seed in seeds_to_record(task, split, arguments.seed, arguments.episodes)
    ]


def _draw_sheets(out: Path) -> None:
    """Write a contact sheet of each part of the set."""
    import cv2

    from vag_core.episode import list_episodes
    from vag_sim.demos import contact_sheet
    from vag_sim.synthesis.summary import FOLDERS

    for part in FOLDERS:
        folders = list_episodes(out / part)
        if folders:
            camera = json.loads((folders[0] / 'episode.json').read_text())['cameras'][0]
            sheet = contact_sheet(folders, camera)
            cv2.imwrite(str(out / part / 'contact_sheet.png'), sheet[:, :, ::-1])
