"""``vag train``: train a model, or parts of one, on a folder of demonstrations."""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vag_core.train.recipe import Recipe

SUMMARY = 'train a checkpoint on a folder of demonstration episodes'
LABELS = {
    'vae': 'VAE',
    'video': 'video stream',
    'action': 'action stream',
    'joint': 'both streams',
}
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--config',
        default='config/models/tiny.yaml',
        help='model and training (YAML; default: %(default)s)',
    )
    parser.add_argument(
        '--training', help='YAML with the training in place of that of --config (config/training)'
    )
    parser.add_argument('--data', type=Path, required=True, help='folder of episode folders')
    parser.add_argument(
        '--out', type=Path, required=True, help='folder for checkpoint, curves and metrics'
    )
    parser.add_argument('--init', type=Path, help='checkpoint folder to start from (vag init)')
    parser.add_argument('--cache', type=Path, help='folder of encoded episodes, to share by runs')
    add_run_options(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare what every training run takes."""
    parser.add_argument('--seed', type=int, default=0, help='of weights and draws (default: 0)')
    parser.add_argument(
        '--minutes',
        type=float,
        help='budget of the optimisation; default: all steps of the config',
    )
    parser.add_argument(
        '--resume', action='store_true', help='continue the run in --out; an empty one is begun'
    )
    parser.add_argument('--cpu', action='store_true', help='use no GPU')


def run(args: argparse.Namespace) -> int:
    """Train, print what was measured and return the exit status."""
    from vag_core.configuration import load, read_yaml
    from vag_core.train.interrupt import Interrupt, Interrupted

    # Any other process of the run works and stays silent.
    main = int(os.environ.get('RANK', '0')) == 0
    if args.minutes is not None and not args.minutes > 0:
        print(f'--minutes = {args.minutes}: must be positive', file=sys.stderr)
        return 2
    try:
        from vag_core.train.demonstrations import load_demonstrations
        from vag_core.train.recipe import Recipe
        from vag_core.train.run import RunOptions, TrainingRun

        mapping = read_yaml(recipe_file(args.config))
        if args.training is not None:
            mapping['training'] = read_yaml(recipe_file(args.training))
        recipe = load(Recipe, mapping, ' with '.join(filter(None, (args.config, args.training))))
        if args.init is not None:
            recipe = for_embodiment_of(args.init, recipe)
        with Interrupt() as interrupt, Bars(silent=not main) as bars:
            data = load_demonstrations(
                args.data,
                recipe.model,
                recipe.training.camera,
                lambda done, total: bars('episodes', done, total),
            )
            options = RunOptions(
                out=args.out,
                seed=args.seed,
                minutes=args.minutes,
                resume=args.resume,
                init=args.init,
                cache=args.cache,
                cpu=args.cpu,
            )
            measured = TrainingRun(recipe, data, options, interrupt, bars).train()
    except Interrupted as where:
        if main:
            print(f'interrupted: {where}; the same command with --resume continues it')
        return INTERRUPTED
    except (ValueError, ArithmeticError, FileNotFoundError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    if main:
        _print(args.out, recipe.training.evaluation, measured)
    return 0


def for_embodiment_of(init: Path, recipe: 'Recipe') -> 'Recipe':
    """Return the recipe with the action dimensions and the camera of the checkpoint ``init``.

    One recipe so serves every embodiment; what else differs is refused later, by name.
    """
    from vag_core.checkpoint import CONFIG_FILE, CheckpointConfig
    from vag_core.configuration import load

    start = load(CheckpointConfig, init / CONFIG_FILE)
    action = replace(recipe.model.action, dimension=start.model.action.dimension)
    return replace(
        recipe,
        model=replace(recipe.model, action=action),
        training=replace(recipe.training, camera=start.camera),
    )


def recipe_file(name: str) -> Path:
    """Return a file by path, or a shipped one."""
    from vag_core import resources

    path = Path(name)
    return path if path.is_file() else resources.find(path)


def _print(out: Path, evaluation: str, measured) -> None:
    print(f'checkpoint  {out / "checkpoint"}  ({evaluation})')
    if measured is None:
        return
    print(f'measured on {measured.episodes} training episodes:')
    print(f'  VAE {measured.vae_psnr:.1f} dB, video {measured.video_psnr:.1f} dB')
    print(f'  actions: mean error {measured.range_error:.4f} of the range of their dimension')
    for unit, found in measured.units.items():
        print(
            f'  dimensions in {unit}: mean error {found.error:.4f} {unit}, '
            f'largest {found.error_max:.3f} {unit}'
        )
        print(
            f'    generated at most {found.velocity:.2f} {unit}/s, {found.acceleration:.2f} '
            f'{unit}/s^2; demonstrated {found.demonstrated_velocity:.2f} and '
            f'{found.demonstrated_acceleration:.2f}'
        )


class Bars:
    """One progress bar for each activity; lines after every tenth where there is no terminal."""

    def __init__(self, silent: bool = False) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        console = Console()
        self.silent = silent
        self._tasks: dict[str, int] = {}
        self._first: dict[str, tuple[int, float]] = {}
        self._tenths: dict[str, int] = {}
        self._progress = Progress(
            TextColumn('{task.description:>13}'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('{task.fields[text]}'),
            console=console,
            disable=silent or not console.is_terminal,
        )

    def __enter__(self) -> 'Bars':
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, activity: str, done: int, total: int, report=None) -> None:
        """Show that ``done`` of ``total`` are done, with the loss and speed of a step."""
        if self.silent:
            return
        name = LABELS.get(activity, activity)
        text = ''
        if report is not None:
            text = f'loss {report.loss:.4f}, {report.samples_per_second:.3g} samples/s'
        if not self._progress.disable:
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, text='')
            self._progress.update(self._tasks[name], completed=done, total=total, text=text)
            return
        first, since = self._first.setdefault(name, (done, time.monotonic()))
        if 10 * done // total > self._tenths.get(name, 0):
            self._tenths[name] = 10 * done // total
            print(f'{name}: {done} of {total} {text}'.rstrip() + _left(first, since, done, total))


def _left(first: int, since: float, done: int, total: int) -> str:
    """Return the time that remains at the speed since the first step, as text."""
    if done in (first, total):
        return ''
    seconds = (time.monotonic() - since) / (done - first) * (total - done)
    return f', {seconds / 60:.1f} min left'
