"""``vag train``: train a model, or parts of one, on a folder of demonstrations."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vag_core.cli.training import Bars, add_run_options, carry_out, recipe_file, run_options

if TYPE_CHECKING:
    from vag_core.train.interrupt import Interrupt
    from vag_core.train.measure import Measurements
    from vag_core.train.recipe import Recipe

SUMMARY = 'train a checkpoint on a folder of demonstration episodes'


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


def run(args: argparse.Namespace) -> int:
    """Train, print what was measured and return the exit status."""
    return carry_out(
        lambda interrupt, bars: _train(args, interrupt, bars),
        lambda made: _print(args.out, *made),
        args.minutes,
    )


def _train(
    args: argparse.Namespace, interrupt: 'Interrupt', bars: Bars
) -> tuple[str, 'Measurements | None']:
    """Return what is known of the result's quality, and what was measured."""
    from vag_core.configuration import load, read_yaml
    from vag_core.train.demonstrations import load_demonstrations
    from vag_core.train.recipe import Recipe
    from vag_core.train.run import TrainingRun

    mapping = read_yaml(recipe_file(args.config))
    if args.training is not None:
        mapping['training'] = read_yaml(recipe_file(args.training))
    recipe = load(Recipe, mapping, ' with '.join(filter(None, (args.config, args.training))))
    if args.init is not None:
        recipe = for_embodiment_of(args.init, recipe)
    data = load_demonstrations(
        args.data,
        recipe.model,
        recipe.training.camera,
        lambda done, total: bars('episodes', done, total),
    )
    options = run_options(args, args.init)
    measured = TrainingRun(recipe, data, options, interrupt, bars).train()
    return recipe.training.evaluation, measured


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


def _print(out: Path, evaluation: str, measured: 'Measurements | None') -> None:
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
