"""``vag sim evaluate``: its arguments and its run."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vag_sim.splits import Split

if TYPE_CHECKING:
    from vag_sim.evaluation.methods import Method
    from vag_sim.evaluation.results import Result
    from vag_sim.evaluation.scenes import EvaluationScene
    from vag_sim.evaluation.work import Job

SCENES, QUICK_SCENES, FULL_SCENES, FULL_SEEDS = 100, 12, 200, 3
UNUSABLE = 2


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare ``evaluate`` beside the other commands of ``vag sim``."""
    parser = commands.add_parser(
        'evaluate',
        help='compare checkpoints and baselines in scenes nobody trained on',
        description='Generate in held-out scenes of the MuJoCo twin, compare with the '
        'demonstrations, replay, judge; write report.json, report.md and pictures. Results are '
        'kept one by one, so an interrupted run goes on where it stopped.',
    )
    parser.add_argument('--checkpoint', default='tiny', help='name or folder (default: tiny)')
    parser.add_argument(
        '--literal', metavar='DIR', help="checkpoint with the paper's global bridge"
    )
    parser.add_argument(
        '--split',
        choices=[split.value for split in Split if split is not Split.TRAIN],
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
        help='only these rows (default: all that the folders given make possible)',
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
    from vag_sim.evaluation.methods import find_methods
    from vag_sim.evaluation.results import FILE, read_results
    from vag_sim.evaluation.work import plan_jobs

    say = _to_stderr if arguments.json else print
    try:
        scenes, seeds = _scenes(arguments)
        methods = find_methods(
            arguments.checkpoint, arguments.literal, tuple(_words(arguments.methods))
        )
        known = read_results(arguments.out / FILE)
        jobs = plan_jobs(scenes, seeds, methods, known, arguments.out)
    except (ValueError, FileNotFoundError) as error:
        print(f'vag sim evaluate: {error}', file=sys.stderr)
        return UNUSABLE
    kept = len(scenes) * seeds - len(jobs)
    say(
        f'{len(scenes)} scenes x {seeds} sampler seeds, {len(methods)} methods '
        f'({", ".join(method.name for method in methods)}); {kept} are done'
    )
    skipped = _measure(jobs, kept, arguments, say) if jobs else {}
    results = _wanted(read_results(arguments.out / FILE), scenes, seeds, methods)
    return _report(results, methods, skipped, arguments, say)


def _scenes(arguments: argparse.Namespace) -> tuple[list['EvaluationScene'], int]:
    """Return the scenes and the number of sampler seeds; ValueError names what can't be."""
    from vag_sim.evaluation.scenes import choose_scenes, tasks_of

    default = QUICK_SCENES if arguments.quick else FULL_SCENES if arguments.full else SCENES
    count = default if arguments.scenes is None else arguments.scenes
    seeds = (FULL_SEEDS if arguments.full else 1) if arguments.seeds is None else arguments.seeds
    workers = 1 if arguments.workers is None else arguments.workers
    for option, value in (('--scenes', count), ('--seeds', seeds), ('--workers', workers)):
        if value < 1:
            raise ValueError(f'{option} = {value}: must be at least 1')
    tasks = _words(arguments.tasks)
    splits = [Split(arguments.split)]
    if arguments.full:
        splits = [split for split in Split if split is not Split.TRAIN]
    scenes = []
    for split in splits:
        scenes += choose_scenes(tasks or tasks_of(split), split, count)
    return scenes, seeds


def _words(texts: Sequence[str]) -> list[str]:
    return [word for text in texts for word in text.split(',') if word]


def _measure(
    jobs: list['Job'], kept: int, arguments: argparse.Namespace, say: callable
) -> dict[str, str]:
    """Run the jobs, keep their results, and return why scenes were left out, by name."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from vag_sim.evaluation.results import FILE, append_results
    from vag_sim.evaluation.work import run_jobs, worker_count

    skipped: dict[str, str] = {}
    with Progress(
        TextColumn('scenes'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task('', total=len(jobs) + kept, completed=kept)

        def work(batch: list['Job']) -> None:
            for outcome in run_jobs(batch, arguments.workers):
                append_results(arguments.out / FILE, outcome.results)
                if outcome.skipped:
                    skipped[outcome.job.scene.name] = outcome.skipped
                progress.advance(bar)

        if arguments.full:
            started = time.perf_counter()
            work(jobs[:1])
            seconds = time.perf_counter() - started
            left = seconds * (len(jobs) - 1) / worker_count(jobs, arguments.workers)
            others = f'the other {len(jobs) - 1} take about {_duration(left)}'
            say(f'one scene took {seconds:.0f} s; {others}')
            jobs = jobs[1:]
        work(jobs)
    for name, reason in skipped.items():
        say(f'{name}: {reason}; left out')
    return skipped


def _duration(seconds: float) -> str:
    return f'{seconds / 3600:.1f} h' if seconds > 5400 else f'{seconds / 60:.0f} min'


def _wanted(
    results: list['Result'],
    scenes: list['EvaluationScene'],
    seeds: int,
    methods: list['Method'],
) -> list['Result']:
    """Return the results of these scenes, seeds and methods, ordered by them."""
    known = {result.key: result for result in results}
    keys = [
        (method.name, scene.task, scene.seed, seed)
        for method in methods
        for scene in scenes
        for seed in range(seeds)
    ]
    return [known[key] for key in keys if key in known]


def _report(
    results: list['Result'],
    methods: list['Method'],
    skipped: dict[str, str],
    arguments: argparse.Namespace,
    say: callable,
) -> int:
    from vag_core.checkpoint import find_checkpoint, hash_folder
    from vag_sim.evaluation.aggregate import aggregate
    from vag_sim.evaluation.report import markdown, recorded_rows, report_of, summary, write_report

    folder, cfg = find_checkpoint(arguments.checkpoint)
    identity = hash_folder(folder)
    rows = aggregate(results)
    recorded = folder.with_name(f'{folder.name}.recorded.json')
    try:
        rows += recorded_rows(recorded, identity, rows)
    except ValueError as error:
        say(f'vag sim evaluate: {error}: its rows are left out')
    about = {
        'checkpoint': {'name': folder.name, 'hash': identity, 'evaluation': cfg.evaluation},
        'methods': {method.name: method.identity for method in methods},
        'skipped': skipped,
    }
    notes = [f'Checkpoint {folder.name} ({identity[:12]}; {cfg.evaluation}).']
    if skipped:
        notes.append(f'{len(skipped)} scenes had no demonstration and were left out.')
    report = report_of(rows, about)
    write_report(arguments.out, report, markdown(rows, f'Evaluation of {folder.name}', notes))
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        print(summary(rows))
    say(f'{arguments.out / "report.md"}, report.json')
    return 0


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
