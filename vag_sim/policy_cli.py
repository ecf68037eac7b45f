"""``vag policy``: train a behaviour-cloning policy and let it act in the twin."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vag_sim.arguments import names, positive
from vag_sim.splits import Split

if TYPE_CHECKING:
    from vag_core.cli.training import Bars
    from vag_core.train.interrupt import Interrupt

SUMMARY = 'a small behaviour-cloning policy: train it on episodes, evaluate it in the twin'
DONE, UNUSABLE = 0, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's commands."""
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    train = commands.add_parser(
        'train',
        help='train a policy on folders of episodes',
        description='Train a policy on episodes, demonstrated or synthesised. A run that was '
        'interrupted continues with --resume, to the same weights.',
    )
    train.add_argument(
        '--data',
        type=Path,
        action='append',
        required=True,
        metavar='DIR',
        help='folder of episode folders; may be given more than once',
    )
    train.add_argument('--init', type=Path, metavar='DIR', help='policy folder to start from')
    train.add_argument('--out', type=Path, required=True, help='folder of the run')
    train.add_argument(
        '--config',
        default='config/policies/bc.yaml',
        help='policy and training (YAML; default: %(default)s)',
    )
    train.add_argument('--steps', type=positive, help="optimiser steps; default: the config's")
    train.add_argument('--seed', type=int, default=0, help='of weights and draws (default: 0)')
    train.add_argument('--cache', type=Path, help='folder of decoded videos, to share by runs')
    train.add_argument('--resume', action='store_true', help='continue the run in --out')
    perturb = commands.add_parser(
        'perturb',
        help='write perturbed copies of demonstrations',
        description='Write copies of episodes with another start, slightly other actions, light '
        'and colours: what synthetic data has to be better than. What is there already stays.',
    )
    perturb.add_argument('--data', type=Path, required=True, help='folder of episode folders')
    perturb.add_argument('--episodes', type=positive, required=True, help='copies in all')
    perturb.add_argument('--seed', type=int, default=0, help='of the perturbation (default: 0)')
    perturb.add_argument('--out', type=Path, required=True, help='folder for the copies')
    evaluate = commands.add_parser(
        'evaluate',
        help='let a policy act in scenes of the twin and count successes',
        description='Let a policy act closed loop in the first scenes of a split, in parallel '
        'over cores. Finished scenes are kept, so an interrupted run can be repeated.',
    )
    evaluate.add_argument('--policy', type=Path, required=True, help='policy folder')
    evaluate.add_argument(
        '--tasks', type=names, nargs='+', required=True, metavar='TASK', help='tasks to do'
    )
    evaluate.add_argument(
        '--split',
        choices=[split.value for split in Split],
        default=Split.SCENES.value,
        help='which scenes and sentences (default: scenes)',
    )
    evaluate.add_argument('--scenes', type=positive, default=100, help='per task (default: 100)')
    evaluate.add_argument(
        '--seed', type=int, default=0, help='number of the first scene (default: 0)'
    )
    evaluate.add_argument('--workers', type=positive, help='processes (default: one per core)')
    evaluate.add_argument('--out', type=Path, required=True, help='folder for the results')
    evaluate.add_argument('--json', action='store_true', help='print the summary as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command and return its exit status."""
    commands = {'train': _train, 'perturb': _perturb, 'evaluate': _evaluate}
    return commands[arguments.command](arguments)


def _train(arguments: argparse.Namespace) -> int:
    from vag_core.cli.training import carry_out
    from vag_core.policy.recipes import load_policy_recipe
    from vag_core.policy.run import PolicyRun

    def train(interrupt: 'Interrupt', bars: 'Bars') -> Path:
        return PolicyRun(
            load_policy_recipe(arguments.config, arguments.steps),
            arguments.data,
            arguments.out,
            seed=arguments.seed,
            init=arguments.init,
            cache=arguments.cache,
            resume=arguments.resume,
            interrupt=interrupt,
            progress=bars,
        ).train()

    return carry_out(train, lambda folder: print(f'policy  {folder}'))


def _perturb(arguments: argparse.Namespace) -> int:
    """Perturb; return 2 for unusable arguments."""
    from vag_core.policy.perturb import PerturbConfig, perturb_all
    from vag_sim.pool import progress_bar

    try:
        with progress_bar('episodes', arguments.episodes, 0) as advance:
            perturb_all(
                arguments.data,
                arguments.episodes,
                arguments.out,
                PerturbConfig(),
                seed=arguments.seed,
                on_episode=lambda done, total: advance(),
            )
    except (ValueError, OSError) as error:
        print(f'vag policy perturb: {error}', file=sys.stderr)
        return UNUSABLE
    return DONE


def _evaluate(arguments: argparse.Namespace) -> int:
    """Evaluate and print the shares; return 2 for unusable arguments."""
    from vag_sim.demos import seeds_to_record
    from vag_sim.policy_evaluation import plan_evaluation, share_text
    from vag_sim.pool import progress_bar

    tasks = [name for listed in arguments.tasks for name in listed]
    split = Split(arguments.split)
    try:
        scenes = [
            (task, seed)
            for task in tasks
            for seed in seeds_to_record(task, split, arguments.seed, arguments.scenes)
        ]
        work = plan_evaluation(arguments.policy, scenes, arguments.out)
        done = len(scenes) - len(work.missing)
        with progress_bar('rollouts', len(scenes), done) as advance:
            for _ in work.run(arguments.workers):
                advance()
    except (ValueError, OSError) as error:
        print(f'vag policy evaluate: {error}', file=sys.stderr)
        return UNUSABLE
    summary = work.summarise()
    if arguments.json:
        print(json.dumps(summary, indent=2))
        return DONE
    for name, share in summary['shares'].items():
        print(f'{name:24} {share_text(share)}')
    return DONE
