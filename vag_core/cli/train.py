"""``vag train``: overfit a small model to a folder of demonstrations."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

SUMMARY = 'train a small checkpoint on a folder of demonstration episodes'
STAGES = {'vae': 'VAE', 'video': 'video stream', 'action': 'action stream'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--config', default='config/models/tiny.yaml', help='model and training (YAML)'
    )
    parser.add_argument('--data', type=Path, required=True, help='folder of episode folders')
    parser.add_argument(
        '--out', type=Path, required=True, help='new folder for checkpoint, curves and metrics'
    )
    parser.add_argument('--seed', type=int, default=0, help='of weights and draws')
    parser.add_argument(
        '--minutes',
        type=float,
        help='budget of the optimisation; default: all steps of the config',
    )


def run(args: argparse.Namespace) -> int:
    """Train, print what was measured and return the exit status."""
    from rich.console import Console

    from vag_core import resources
    from vag_core.configuration import load

    console = Console()
    if args.minutes is not None and not args.minutes > 0:
        print(f'--minutes = {args.minutes}: must be positive', file=sys.stderr)
        return 2
    path = Path(args.config)
    try:
        from vag_core.train.demonstrations import load_demonstrations
        from vag_core.train.recipe import Recipe
        from vag_core.train.smoke import train_smoke

        recipe = load(Recipe, path if path.is_file() else resources.find(path))
        with _progress(console) as progress:
            data = load_demonstrations(
                args.data,
                recipe.model,
                recipe.training.camera,
                _reporter(progress, 'episodes'),
            )
            checkpoint, measured = train_smoke(
                recipe,
                data,
                args.out,
                seed=args.seed,
                minutes=args.minutes,
                report=lambda stage: _reporter(progress, STAGES[stage]),
            )
    except (ValueError, ArithmeticError, FileNotFoundError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    console.print(f'checkpoint  {checkpoint.path}  ({checkpoint.evaluation})')
    console.print(f'measured on the {measured.episodes} training episodes:')
    console.print(f'  VAE {measured.vae_psnr:.1f} dB, video {measured.video_psnr:.1f} dB')
    console.print(
        f'  actions: mean error {measured.action_error:.4f} rad, '
        f'largest {measured.action_error_max:.3f} rad'
    )
    for name in ('generated', 'demonstrated'):
        found = getattr(measured, name)
        console.print(
            f'  {name}: at most {found.velocity:.2f} rad/s, {found.acceleration:.2f} rad/s^2'
        )
    return 0


def _progress(console):
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn('{task.description:>13}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn('{task.fields[loss]}'),
        console=console,
        disable=not console.is_terminal,
    )


def _reporter(progress, name: str) -> Callable[..., None]:
    """Return a callback that moves one bar: step, steps and, of a training, the loss.

    Where the output is no terminal it prints a line after every tenth instead.
    """
    task = progress.add_task(name, total=None, loss='')
    tenths = 0

    def on_step(step: int, total: int, loss: float | None = None) -> None:
        nonlocal tenths
        text = '' if loss is None else f'loss {loss:.4f}'
        progress.update(task, completed=step, total=total, loss=text)
        if progress.disable and 10 * step // total > tenths:
            tenths = 10 * step // total
            print(f'{name}: {step} of {total} {text}'.rstrip(), flush=True)

    return on_step
