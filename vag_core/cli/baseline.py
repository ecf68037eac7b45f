"""``vag baseline``: train what reads actions out of a video, and read."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vag_core.cli.training import Bars, add_run_options, carry_out, recipe_file, run_options

if TYPE_CHECKING:
    from vag_core.baselines.recipe import ReaderRecipe
    from vag_core.baselines.run import ReadingError
    from vag_core.train.interrupt import Interrupt

SUMMARY = 'two-stage baselines: train a reader of actions from video, or read with one'
KINDS = ('resnet', 'anypos')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's commands."""
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    train = commands.add_parser(
        'train',
        help='train a reader on the frames of demonstrations',
        description='Train a reader on single frames of demonstrations and write it to '
        'OUT/reader. An interrupted run goes on with --resume.',
    )
    train.add_argument('--kind', choices=KINDS, required=True, help='which network')
    train.add_argument(
        '--config', help='model and training (YAML; default: config/baselines/KIND.yaml)'
    )
    train.add_argument('--data', type=Path, required=True, help='folder of episode folders')
    train.add_argument(
        '--validation', type=Path, help='episodes to measure it on; default: those of --data'
    )
    train.add_argument(
        '--out', type=Path, required=True, help='folder for reader, curves and metrics'
    )
    train.add_argument(
        '--pretrained',
        type=Path,
        metavar='FILE',
        help="state dict of torchvision's to start each trunk from (.pth or .safetensors)",
    )
    train.add_argument('--cache', type=Path, help='folder of decoded frames, to share by runs')
    add_run_options(train)
    read = commands.add_parser(
        'read',
        help='read the actions of a video',
        description='Read the actions of a video, one for each frame, and write them as a NumPy '
        "file of shape (T, D), float32, in the embodiment's units.",
    )
    read.add_argument('--reader', required=True, help='folder of a reader, or a shipped one')
    read.add_argument('--video', type=Path, required=True, metavar='V.mp4', help='what to read')
    read.add_argument(
        '--out', type=Path, required=True, metavar='A.npy', help='file to write; a new one'
    )
    read.add_argument('--cpu', action='store_true', help='use no GPU')


def run(args: argparse.Namespace) -> int:
    """Carry out the command and return its exit status."""
    return {'train': _train, 'read': _read}[args.command](args)


def _train(args: argparse.Namespace) -> int:
    return carry_out(
        lambda interrupt, bars: _train_reader(args, interrupt, bars),
        lambda made: _print(args, *made),
        args.minutes,
    )


def _train_reader(
    args: argparse.Namespace, interrupt: 'Interrupt', bars: Bars
) -> tuple[str, 'ReadingError | None']:
    """Return what is known of the reader's quality, and what was measured."""
    from vag_core.baselines.run import ReaderRun
    from vag_core.train.demonstrations import load_demonstrations

    recipe = _recipe(args.kind, args.config)
    data, validation = (
        folder
        and load_demonstrations(
            folder,
            recipe.model,
            recipe.training.camera,
            lambda done, total: bars('episodes', done, total),
        )
        for folder in (args.data, args.validation)
    )
    options = run_options(args, args.pretrained)
    found = ReaderRun(recipe, data, options, validation, interrupt, bars).train()
    return recipe.training.evaluation, found


def _recipe(kind: str, path: str | None) -> 'ReaderRecipe':
    from vag_core.baselines.recipe import ReaderRecipe
    from vag_core.configuration import ConfigError, load

    file = recipe_file(path or f'config/baselines/{kind}.yaml')
    recipe = load(ReaderRecipe, file)
    found = recipe.model.network.kind
    if found != kind:
        raise ConfigError(f'{file}: model.network.kind = {found}: --kind is {kind}')
    return recipe


def _print(args: argparse.Namespace, evaluation: str, found: 'ReadingError') -> None:
    from vag_core.metrics.actions import THRESHOLD

    print(f'reader  {args.out / "reader"}  ({evaluation})')
    which = 'training' if args.validation is None else 'validation'
    print(f'read from the true videos of {found.episodes} {which} episodes:')
    print(f'  mean Euclidean distance of an action {found.actions.distance:.4f}')
    print(f'  all dimensions within {THRESHOLD}: {found.actions.frames_within:.1%} of the frames')
    for unit, error in found.units.items():
        print(
            f'  dimensions in {unit}: mean error {error.error:.4f} {unit}, '
            f'largest {error.error_max:.3f} {unit}'
        )


def _read(args: argparse.Namespace) -> int:
    import io

    import numpy as np
    import torch

    from vag_core import images
    from vag_core.baselines.reader import load_reader
    from vag_core.files import write_whole

    if args.out.exists():
        print(f'--out = {args.out}: exists already, nothing was read', file=sys.stderr)
        return 2
    device = 'cuda' if torch.cuda.is_available() and not args.cpu else 'cpu'
    try:
        video = images.read_mp4(args.video)
        reader = load_reader(args.reader, device)
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    content = io.BytesIO()
    actions = reader.read(video)
    np.save(content, actions)
    write_whole(args.out, content.getvalue())
    dimensions = f'{len(actions)} actions of {reader.config.embodiment.name}'
    print(f'{args.out}  {dimensions}, read by {reader.name} ({reader.config.evaluation})')
    return 0
