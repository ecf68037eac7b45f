r"""Train the action stream with each bridge on one frozen video stream, and compare them.

    vag sim demos --tasks lift_cube,cube_in_bowl,lift_tray --split train --episodes 300 \
        --out output/train
    python benchmarks/bridges.py --init checkpoints/small --data output/train --out output/bridges

Every variant has the same data, steps and seed; estimates of the video stream are cached once for
all. Each is evaluated on the validation split, where decisions are taken. A variant named
``bare`` has neither the text nor the start state. Finished variants are not trained again, nor the
one that ``--init`` holds already, trained by the same recipe.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from vag_core import resources
from vag_core.checkpoint import find_checkpoint
from vag_core.cli.training import Bars
from vag_core.configuration import load
from vag_core.files import write_whole
from vag_core.model.action import ActionConfig
from vag_core.model.bridge import BridgeConfig
from vag_core.model.bridge.config import BridgeKind
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.recipe import Recipe
from vag_core.train.run import RunOptions, TrainingRun

BRIDGES = {
    'global': BridgeConfig(kind=BridgeKind.GLOBAL),
    'grid': BridgeConfig(kind=BridgeKind.GRID, pool_size=(4, 3, 4), global_dim=256),
    'frames': BridgeConfig(kind=BridgeKind.FRAMES),
    'aligned': BridgeConfig(kind=BridgeKind.ALIGNED, grid=(6, 8), channels=128),
    'attention': BridgeConfig(
        kind=BridgeKind.ATTENTION, pool_size=(24, 6, 8), global_dim=256, channels=64
    ),
}
# Heading, factor and decimals of the figures in the table.
COLUMNS = {
    'success': ('replay success %', 100, 0),
    'right_object': ('right object %', 100, 0),
    'target_error_mm': ('target error mm', 1, 0),
    'distance': ('ED', 1, 3),
    'frames_within': ('SR frames %', 100, 1),
}


def variants() -> dict[str, dict]:
    """Return the changes of the action stream's configuration, by the variant's name."""
    found = {}
    for name, bridge in BRIDGES.items():
        for suffix, told in (('', True), ('_bare', False)):
            found[name + suffix] = {'bridge': bridge, 'text': told, 'start_state': told}
    return found


def action_recipe(recipe: Recipe, changes: dict, steps: int | None) -> Recipe:
    """Return a recipe that trains the action stream alone, with another bridge."""
    stage = recipe.training.action.stage
    stage = replace(stage, steps=stage.steps if steps is None else steps)
    action: ActionConfig = replace(recipe.model.action, **changes)
    training = replace(
        recipe.training,
        vae=None,
        video=None,
        action=replace(recipe.training.action, stage=stage),
        measured_episodes=0,
    )
    return Recipe(model=replace(recipe.model, action=action), training=training)


def evaluate(checkpoint: Path, out: Path, scenes: int) -> dict:
    """Run ``vag sim evaluate`` on the validation split and return its report."""
    command = [
        *(sys.executable, '-m', 'vag_core.cli.main', 'sim', 'evaluate', '--json'),
        *('--checkpoint', str(checkpoint), '--split', 'validation', '--methods', 'vag'),
        *('--scenes', str(scenes), '--out', str(out)),
    ]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def table(reports: dict[str, dict]) -> str:
    """Return a Markdown table of the figures over all scenes, with 95 % intervals."""
    lines = [
        '| bridge | ' + ' | '.join(heading for heading, *_ in COLUMNS.values()) + ' |',
        '|---' * (len(COLUMNS) + 1) + '|',
    ]
    for name, report in reports.items():
        row = next(row for row in report['rows'] if row['group'] == 'all')
        cells = []
        for figure, (_, factor, decimals) in COLUMNS.items():
            value, low, high = (
                f'{factor * row["figures"][figure][key]:.{decimals}f}'
                for key in ('value', 'low', 'high')
            )
            cells.append(f'{value} ({low} to {high})')
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def main() -> int:
    """Train and evaluate the chosen variants and print the table, also ``bridges.md``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='config/models/small.yaml', help='model and training')
    parser.add_argument(
        '--init', type=Path, required=True, help='checkpoint with the video stream'
    )
    parser.add_argument('--data', type=Path, required=True, help='demonstrations')
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument(
        '--variants', nargs='+', choices=list(variants()), default=list(variants())
    )
    parser.add_argument('--steps', type=int, help="of each variant (default: the recipe's)")
    parser.add_argument('--scenes', type=int, default=60, help='of validation (default: 60)')
    parser.add_argument('--cache', type=Path, help='of encoded episodes and estimates')
    arguments = parser.parse_args()
    recipe = load(Recipe, resources.find(arguments.config))
    _, init = find_checkpoint(arguments.init)
    camera = recipe.training.camera
    data = load_demonstrations(arguments.data, recipe.model, camera)
    reports = {}
    for name in arguments.variants:
        folder = arguments.out / name
        changed = action_recipe(recipe, variants()[name], arguments.steps)
        trained = changed.model.action == init.model.action and arguments.steps is None
        checkpoint = arguments.init if trained else folder / 'checkpoint'
        if not checkpoint.exists():
            options = RunOptions(
                out=folder,
                init=arguments.init,
                resume=True,
                cache=arguments.cache or arguments.out / 'cache',
            )
            with Bars(silent=False) as bars:
                TrainingRun(changed, data, options, progress=bars).train()
        reports[name] = evaluate(checkpoint, folder / 'validation', arguments.scenes)
        write_whole(arguments.out / 'bridges.json', json.dumps(reports, indent=2).encode())
        write_whole(arguments.out / 'bridges.md', table(reports).encode())
    print(table(reports))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
