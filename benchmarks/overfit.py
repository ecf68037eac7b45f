"""Overfit the tiny configuration to four demonstrations on the CPU and print how it went.

    vag sim demos --tasks pick_lift --episodes 4 --seed 1000 --out output/demos4
    python benchmarks/overfit.py --data output/demos4 --minutes 8

A model that can't learn four episodes by heart has a mistake in it; one that can is no evidence
of more. The run passes when, on those four, the mean action error is under 0.02 of each joint's
range over the demonstrations and the mean PSNR of the generated videos is over 25 dB.
"""

import argparse
import math
import sys
from itertools import pairwise
from pathlib import Path

import torch

from vag_core import resources
from vag_core.cli.training import Bars
from vag_core.configuration import load
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.recipe import Recipe
from vag_core.train.run import RunOptions, TrainingRun

ACTION_ERROR = 0.02
VIDEO_PSNR = 25.0
COLUMNS, ROWS = 64, 8


def curve(losses: list[float]) -> list[str]:
    """Draw the logarithm of losses, averaged over columns, as lines of text from high to low."""
    columns = min(COLUMNS, len(losses))
    edges = [round(k * len(losses) / columns) for k in range(columns + 1)]
    means = [sum(losses[a:b]) / (b - a) for a, b in pairwise(edges)]
    logs = [math.log10(mean) for mean in means]
    low, high = min(logs), max(logs)
    heights = [round((value - low) / max(1e-9, high - low) * (ROWS - 1)) for value in logs]
    lines = []
    for row in reversed(range(ROWS)):
        label = 10 ** (low + (high - low) * row / (ROWS - 1))
        lines.append(f'{label:9.2g} |' + ''.join('*' if h == row else ' ' for h in heights))
    return [*lines, ' ' * 10 + '+' + '-' * columns + f' {len(losses)} steps']


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, required=True, help='folder of episode folders')
    parser.add_argument(
        '--out', type=Path, default=Path('output/overfit'), help='folder of the run'
    )
    parser.add_argument('--config', default='config/models/tiny.yaml', help='model and training')
    parser.add_argument('--minutes', type=float, help='budget; default: all steps')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--resume', action='store_true', help='continue the run in --out')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    path = Path(args.config)
    recipe = load(Recipe, path if path.is_file() else resources.find(path))
    data = load_demonstrations(args.data, recipe.model, recipe.training.camera)
    options = RunOptions(
        out=args.out, seed=args.seed, minutes=args.minutes, resume=args.resume, cpu=True
    )
    with Bars() as bars:
        run = TrainingRun(recipe, data, options, progress=bars)
        measured = run.train()
    for name, progress in run.spent.items():
        print(f'\n{name}: loss, {progress.seconds:.0f} s')
        print('\n'.join(curve(progress.losses)))
    print(f'\n{len(data)} episodes, {args.threads} threads; curves: {args.out / "losses.png"}')
    print(f'VAE   {measured.vae_psnr:6.2f} dB')
    print(f'video {measured.video_psnr:6.2f} dB  (over {VIDEO_PSNR:g} passes)')
    print(f'action error {measured.range_error:.4f} of the range  (under {ACTION_ERROR:g} passes)')
    for unit, found in measured.units.items():
        print(f'  in {unit}: mean {found.error:.5f}, largest {found.error_max:.4f}')
    passed = measured.range_error < ACTION_ERROR and measured.video_psnr > VIDEO_PSNR
    print('passed' if passed else 'NOT passed')
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
