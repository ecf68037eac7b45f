"""How often the main job does what it was told: ``vag run`` over seeds, end to end through ROS.

    python benchmarks/replay_share.py --seeds 20 --out output/replay_share

Each seed is another scene and another noise, as ``vag sim evaluate`` draws them. Success is what
the twin judges by where things end up; a refused generation, plan or replay is a failure. What was
printed is kept for each seed, so the command goes on where it was stopped. Run it inside env.sh.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from vag_core import resources
from vag_core.files import write_whole
from vag_core.metrics.intervals import wilson

SUCCEEDED = re.compile(r'^task succeeded +true *$', re.MULTILINE)
OUTCOME = re.compile(r'^(?:replay|vag run:) +(.*)$', re.MULTILINE)
SECONDS = re.compile(r'^time: generation +([\d.]+) s', re.MULTILINE)


def run_seed(arguments: argparse.Namespace, seed: int) -> str:
    """Return what ``vag run`` prints with a seed, now or when it was run before."""
    kept = arguments.out / f'seed_{seed}.txt'
    if not kept.exists():
        arguments.out.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, '-m', 'vag_core.cli.main', 'run', '--headless', '--task', 'auto'),
            *('--checkpoint', arguments.checkpoint, '--instruction', arguments.instruction),
            *('--seed', str(seed), '--output-dir', str(arguments.out / f'seed_{seed}')),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        write_whole(kept, (done.stdout + done.stderr).encode())
    return kept.read_text()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--checkpoint', default=resources.DEFAULT_CHECKPOINT, help='name or folder'
    )
    parser.add_argument('--instruction', default='pick up the red cube with the left arm')
    parser.add_argument('--seeds', type=int, default=20, help='how many (default: 20)')
    parser.add_argument('--first', type=int, default=0, help='the first one (default: 0)')
    parser.add_argument('--out', type=Path, default=Path('output/replay_share'))
    arguments = parser.parse_args()
    successes = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        text = run_seed(arguments, seed)
        successes.append(SUCCEEDED.search(text) is not None)
        seconds, outcome = SECONDS.search(text), OUTCOME.search(text)
        print(
            f'seed {seed}: {"succeeded" if successes[-1] else "failed"}; generation '
            f'{seconds[1] if seconds else "-"} s; {outcome[1] if outcome else "no outcome"}',
            flush=True,
        )
    share = wilson(sum(successes) / len(successes), len(successes))
    print(
        f'{sum(successes)} of {len(successes)}: {100 * share.value:.0f} % '
        f'({100 * share.low:.0f} to {100 * share.high:.0f})'
    )


if __name__ == '__main__':
    main()
