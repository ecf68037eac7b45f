"""What data is worth: a policy taught first by different sets, then by the same few episodes.

Every arm has two stages of the same length and schedule. The first one's data differs, the second
one's are the demonstrations; the arms act in the same scenes, so their successes are paired.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vag_core.episode import list_episodes
from vag_core.policy.config import PolicyRecipe
from vag_sim.policy_evaluation import Evaluation, Scene, plan_evaluation

STAGES = ('pretraining', 'finetuning')


@dataclass(frozen=True)
class Arm:
    """One way to the policy: its name, and the folder of episodes of the first stage."""

    name: str
    data: Path


@dataclass(frozen=True)
class Training:
    """One arm with one seed.

    Attributes:
        arm: which one.
        seed: of weights and draws.
        recipes: of the two stages.
        demonstrations: folder of the second stage's episodes.
        out: folder of the comparison.
    """

    arm: Arm
    seed: int
    recipes: tuple[PolicyRecipe, PolicyRecipe]
    demonstrations: Path
    out: Path

    @property
    def folder(self) -> Path:
        """Of this arm and seed."""
        return self.out / self.arm.name / f'seed_{self.seed}'

    @property
    def policy(self) -> Path:
        """Folder of the trained policy."""
        return self.folder / STAGES[1] / 'policy'


def train(job: Training) -> Training:
    """Train both stages of a job, or what is missing of them."""
    from vag_core.policy.run import PolicyRun

    start = None
    data = (job.arm.data, job.demonstrations)
    for stage, recipe, root in zip(STAGES, job.recipes, data, strict=True):
        out = job.folder / stage
        if not (out / 'policy').exists():
            PolicyRun(
                recipe,
                [root],
                out,
                seed=job.seed,
                init=start,
                # Videos are decoded once for all arms and seeds.
                cache=job.out / 'cache',
                resume=True,
                progress=_lines(f'{job.arm.name}, seed {job.seed}, {stage}'),
            ).train()
        start = out / 'policy'
    return job


def _lines(title: str) -> Callable[..., None]:
    """Return a progress callback that prints a line after every tenth of the steps."""

    def progress(activity: str, done: int, total: int, report: Any = None) -> None:
        if report is not None and 10 * done // total > 10 * (done - 1) // total:
            speed = f'{report.samples_per_second:.3g} samples/s'
            print(f'{title}: {done} of {total}, loss {report.loss:.4f}, {speed}', flush=True)

    return progress


def evaluations(jobs: Sequence[Training], scenes: Sequence[Scene]) -> Iterator[Evaluation]:
    """Return for each trained job the rollouts of its policy."""
    for job in jobs:
        yield plan_evaluation(job.policy, scenes, job.folder / 'rollouts')


def compare(jobs: Sequence[Training], scenes: Sequence[Scene]) -> list[dict[str, Any]]:
    """Return a row for each arm: its data, training, share of successes, and the earlier ones'.

    The share is the mean over scenes and seeds, its 95 % Wilson interval that of the scenes
    alone: seeds share them. ``against`` holds, for each earlier arm, in how many scenes this one
    succeeds more and less often, with the two-sided p of the sign test.
    """
    from vag_core.metrics.intervals import wilson

    rows: list[dict[str, Any]] = []
    shares: dict[str, np.ndarray] = {}
    for arm in dict.fromkeys(job.arm for job in jobs):
        mine = [job for job in jobs if job.arm == arm]
        successes = np.array([found.successes() for found in evaluations(mine, scenes)])
        by_scene = successes.mean(axis=0)
        share = wilson(float(by_scene.mean()), len(scenes))
        figures = [
            json.loads((job.folder / stage / 'metrics.json').read_text())
            for job in mine
            for stage in STAGES
        ]
        rows.append(
            {
                'arm': arm.name,
                'episodes': len(list_episodes(arm.data)),
                'steps': sum(f['steps'] for f in figures) // len(mine),
                'training_s': round(sum(f['training_seconds'] for f in figures) / len(mine), 1),
                'seeds': len(mine),
                'scenes': len(scenes),
                'successes_by_seed': successes.sum(axis=1).tolist(),
                'share': share.value,
                'low': share.low,
                'high': share.high,
                'against': {name: sign_test(by_scene, other) for name, other in shares.items()},
            }
        )
        shares[arm.name] = by_scene
    return rows


def sign_test(mine: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Compare (N,) paired values: how many are larger, smaller, and the two-sided p of that.

    The exact binomial test; ties say nothing.
    """
    from scipy.stats import binomtest

    more, less = int((mine > other).sum()), int((mine < other).sum())
    p = binomtest(more, more + less).pvalue if more + less else 1.0
    return {'more': more, 'less': less, 'p': float(p)}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows of :func:`compare` as a Markdown table."""
    lines = [
        '| first stage | episodes | successes | share [95 %] | against earlier rows |',
        '|---|---|---|---|---|',
    ]
    for row in rows:
        counts = ', '.join(f'{n}/{row["scenes"]}' for n in row['successes_by_seed'])
        share, low, high = (100 * row[name] for name in ('share', 'low', 'high'))
        paired = '; '.join(
            f'{name}: {test["more"]} more, {test["less"]} less, p = {test["p"]:.3f}'
            for name, test in row['against'].items()
        )
        lines.append(
            f'| {row["arm"]} | {row["episodes"]} | {counts} '
            f'| {share:.1f} % [{low:.1f}, {high:.1f}] | {paired} |'
        )
    return '\n'.join(lines)


def draw(rows: Sequence[dict[str, Any]], title: str, path: Path) -> None:
    """Write the shares with their intervals as a bar chart."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.6 * len(rows) + 1.5, 3.6), layout='constrained')
    axes = figure.subplots()
    shares = np.array([[row['share'], row['low'], row['high']] for row in rows]) * 100
    errors = np.abs(shares[:, 1:] - shares[:, :1]).T
    names = [f'{row["arm"]}\n({row["episodes"]} episodes)' for row in rows]
    bars = axes.bar(names, shares[:, 0], yerr=errors, capsize=6, color='#4878a8')
    axes.bar_label(bars, [f'{share:.0f} %' for share in shares[:, 0]], label_type='center')
    axes.set(ylim=(0, 100), ylabel='success [%], 95 % interval', title=title)
    axes.tick_params(axis='x', labelsize=8)
    figure.savefig(path, dpi=120)
