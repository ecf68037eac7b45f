"""Is generated data worth anything to a policy? The paper's question (section 4.6), in the twin.

    vag sim demos --tasks lift_cube:left:red --episodes 20 --seed 1000 --halve \\
        --out output/demos20
    vag synthesize --checkpoint small --tasks lift_cube:left:red --episodes 300 --seed 1020 \\
        --out output/synthetic
    python benchmarks/policy_experiment.py --demonstrations output/demos20 \\
        --synthetic output/synthetic/kept --out output/experiment

Three arms of equal gradient steps: a first stage on the 20 demonstrations themselves, on the kept
synthetic episodes, or on as many perturbed copies of the 20; then a second stage on the 20. With
--reference a fourth one begins with true demonstrations: what perfect synthesis would be worth.
Every arm acts in the same scenes of the split. Whatever is there already is not made again.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from vag_core.configuration import to_mapping
from vag_core.episode import list_episodes
from vag_core.files import write_whole
from vag_core.policy.config import PolicyRecipe
from vag_core.policy.perturb import PerturbConfig, perturb_all
from vag_core.policy.recipes import load_policy_recipe
from vag_sim.demos import seeds_to_record
from vag_sim.policy_cli import names, positive
from vag_sim.policy_comparison import Arm, Training, compare, draw, evaluations, table, train
from vag_sim.policy_evaluation import Scene
from vag_sim.pool import progress_bar, run_parallel
from vag_sim.splits import Split


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--demonstrations', type=Path, required=True, help='the few episodes')
    parser.add_argument('--synthetic', type=Path, required=True, help='kept/ of vag synthesize')
    parser.add_argument('--reference', type=Path, help='true demonstrations for a fourth arm')
    parser.add_argument('--out', type=Path, required=True, help='folder of the experiment')
    parser.add_argument(
        '--tasks', type=names, metavar='TASK', help="default: the demonstrations' own"
    )
    parser.add_argument(
        '--split', choices=[split.value for split in Split], default=Split.SCENES.value
    )
    parser.add_argument('--scenes', type=positive, default=100, help='per task (default: 100)')
    parser.add_argument('--first-scene', type=int, default=0, help='number of the first scene')
    parser.add_argument(
        '--pretrain-steps', type=positive, default=1500, help='of the first stage (default: 1500)'
    )
    parser.add_argument(
        '--finetune-steps', type=positive, default=500, help='of the second stage (default: 500)'
    )
    parser.add_argument('--seeds', type=positive, default=1, help='trainings per arm (default: 1)')
    parser.add_argument('--config', default='config/policies/bc.yaml', help='policy and training')
    parser.add_argument('--workers', type=positive, help='processes (default: one per core)')
    return parser.parse_args()


def recipes(args: argparse.Namespace) -> tuple[PolicyRecipe, PolicyRecipe]:
    """Return the recipes of both stages; the second one moves at a third of the rate."""
    first = load_policy_recipe(args.config, args.pretrain_steps)
    second = load_policy_recipe(args.config, args.finetune_steps)
    stage = second.training.stage
    stage = replace(stage, learning_rate=stage.learning_rate / 3)
    return first, replace(second, training=replace(second.training, stage=stage))


def scenes_of(args: argparse.Namespace) -> list[Scene]:
    tasks = args.tasks or sorted(
        {
            json.loads((folder / 'episode.json').read_text())['provenance']['task']
            for folder in list_episodes(args.demonstrations)
        }
    )
    return [
        (task, seed)
        for task in tasks
        for seed in seeds_to_record(task, Split(args.split), args.first_scene, args.scenes)
    ]


def begun_otherwise(args: argparse.Namespace) -> str:
    """Return what differs from what ``--out`` was begun with, and mark a new experiment."""
    folders = (args.demonstrations, args.synthetic, args.reference)
    wanted = {
        'recipes': json.loads(json.dumps([to_mapping(recipe) for recipe in recipes(args)])),
        'episodes': [[f.name for f in list_episodes(folder)] for folder in folders if folder],
    }
    file = args.out / 'settings.json'
    if file.exists():
        found = json.loads(file.read_text())
        return ', '.join(name for name, value in wanted.items() if found[name] != value)
    write_whole(file, json.dumps(wanted).encode())
    return ''


def main() -> int:
    args = parse()
    torch.set_num_threads(1)
    few, synthetic = (len(list_episodes(f)) for f in (args.demonstrations, args.synthetic))
    for folder, count in ((args.demonstrations, few), (args.synthetic, synthetic)):
        if not count:
            print(f'{folder}: no episodes', file=sys.stderr)
            return 2
    if differing := begun_otherwise(args):
        print(f'{args.out}: was begun with other {differing}: choose another', file=sys.stderr)
        return 2
    scenes, perturbed = scenes_of(args), args.out / 'perturbed_episodes'
    with progress_bar('perturbed copies', synthetic, 0) as advance:
        perturb_all(
            args.demonstrations,
            synthetic,
            perturbed,
            PerturbConfig(),
            on_episode=lambda *_: advance(),
        )
    arms = [
        Arm('demonstrations', args.demonstrations),
        Arm('perturbed', perturbed),
        Arm('synthetic', args.synthetic),
    ]
    if args.reference is not None:
        arms.append(Arm('reference', args.reference))
    jobs = [
        Training(arm, seed, recipes(args), args.demonstrations, args.out)
        for seed in range(args.seeds)
        for arm in arms
    ]
    started = time.perf_counter()
    for job in run_parallel(train, jobs, args.workers):
        print(f'{job.arm.name}, seed {job.seed}: {job.policy}', flush=True)
    trained = time.perf_counter()
    for job, work in zip(jobs, evaluations(jobs, scenes), strict=True):
        done = len(scenes) - len(work.missing)
        title = f'{job.arm.name} {job.seed}'
        with progress_bar(title, len(scenes), done) as advance:
            for _ in work.run(args.workers):
                advance()
    rows = compare(sorted(jobs, key=lambda job: arms.index(job.arm)), scenes)
    about = {
        'demonstrations': few,
        'tasks': sorted({task for task, _ in scenes}),
        'split': args.split,
        'scenes': len(scenes),
        'steps': [args.pretrain_steps, args.finetune_steps],
        'this_call_training_s': round(trained - started, 1),
        'this_call_rollouts_s': round(time.perf_counter() - trained, 1),
    }
    content = json.dumps({'about': about, 'arms': rows}, indent=2) + '\n'
    (args.out / 'results.json').write_text(content)
    (args.out / 'results.md').write_text(table(rows) + '\n')
    draw(rows, f'{few} demonstrations, {len(scenes)} unseen scenes', args.out / 'results.png')
    print(table(rows))
    return 0


if __name__ == '__main__':
    sys.exit(main())
