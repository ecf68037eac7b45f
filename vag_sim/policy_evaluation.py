"""A policy in many scenes: a line of JSON for each rollout, and the share of successes by task."""

import dataclasses
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vag_sim.pool import run_parallel
from vag_sim.rollout import Rollout, rollout
from vag_sim.splits import split_of
from vag_sim.tasks import make_task

FILE = 'rollouts.jsonl'

Scene = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A policy's rollouts, those that are done and those that are not.

    Attributes:
        policy: its folder.
        policy_hash: of the folder, so that results of another one are not mixed in.
        scenes: (task, seed) of all.
        missing: of those without a result.
        out: receives ``rollouts.jsonl`` and ``summary.json``.
    """

    policy: Path
    policy_hash: str
    scenes: Sequence[Scene]
    missing: Sequence[Scene]
    out: Path

    def run(self, workers: int | None = None) -> Iterator[Rollout]:
        """Run what is missing and yield each rollout when it is written."""
        self.out.mkdir(parents=True, exist_ok=True)
        file = self.out / FILE
        if file.exists() and not file.read_text().endswith('\n'):
            # A line that was cut off may not swallow the next one.
            file.write_text(file.read_text() + '\n')
        job = functools.partial(_run, self.policy)
        for result in run_parallel(job, self.missing, workers):
            line = json.dumps({'policy_hash': self.policy_hash, **dataclasses.asdict(result)})
            with file.open('a') as lines:
                lines.write(line + '\n')
            yield result

    def successes(self) -> list[bool]:
        """Return for each scene whether it succeeded.

        Raises:
            ValueError: a scene has no result.
        """
        return [result['success'] for result in self._results()]

    def summarise(self) -> dict[str, Any]:
        """Write and return the shares of all scenes and of each task, with Wilson intervals.

        Raises:
            ValueError: a scene has no result.
        """
        results = self._results()
        groups = {'all': results}
        for result in results:
            groups.setdefault(result['task'], []).append(result)
        summary = {
            'policy': self.policy.name,
            'policy_hash': self.policy_hash,
            'splits': sorted({split_of(*scene).value for scene in self.scenes}),
            'shares': {name: success_share(group) for name, group in groups.items()},
            'broken_off': sum(bool(result['failure']) for result in results),
        }
        (self.out / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
        return summary

    def _results(self) -> list[dict[str, Any]]:
        found = _read(self.out / FILE, self.policy_hash)
        results = [found[scene] for scene in self.scenes if scene in found]
        if missing := len(self.scenes) - len(results):
            raise ValueError(f'{self.out}: {missing} scenes have no result')
        return results


def plan_evaluation(policy: Path, scenes: Sequence[Scene], out: Path) -> Evaluation:
    """Return what is to be run; finished scenes in ``out`` are kept.

    Raises:
        ValueError: a task or a seed is unknown, the policy is none, or ``out`` holds results of
            another one.
    """
    from vag_core.policy.policy import load_policy

    for task, seed in scenes:
        make_task(task)
        split_of(task, seed)
    identity = load_policy(policy).hash
    found = _read(out / FILE, identity)
    missing = [scene for scene in scenes if scene not in found]
    return Evaluation(Path(policy), identity, list(scenes), missing, Path(out))


def success_share(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return successes, scenes, share and its 95 % Wilson interval."""
    from vag_core.metrics.intervals import wilson

    successes = sum(result['success'] for result in results)
    found = wilson(successes / len(results), len(results))
    return {
        'successes': successes,
        'scenes': len(results),
        'share': found.value,
        'low': found.low,
        'high': found.high,
    }


def share_text(share: dict[str, Any]) -> str:
    """Write a share for people: ``12/100, 12.0 % [7.0, 19.8]``."""
    percent = [100 * share[name] for name in ('share', 'low', 'high')]
    return '{}/{}, {:.1f} % [{:.1f}, {:.1f}]'.format(share['successes'], share['scenes'], *percent)


@functools.cache
def _policy(folder: Path):
    from vag_core.policy.policy import load_policy

    return load_policy(folder)


def _run(folder: Path, scene: Scene) -> Rollout:
    policy = _policy(folder)
    return rollout(policy, *scene, camera=policy.config.camera)


def _read(path: Path, identity: str) -> dict[Scene, dict[str, Any]]:
    """Return the results by scene; a line that was cut off is left out."""
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            result = json.loads(line)
        except json.JSONDecodeError:
            continue
        if result.get('policy_hash') != identity:
            raise ValueError(f'{path}, line {number}: of another policy: choose another folder')
        found[result['task'], result['seed']] = result
    return found
