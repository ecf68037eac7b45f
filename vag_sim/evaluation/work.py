"""The work of an evaluation: a job for each scene and sampler seed, over the cores."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vag_sim.evaluation.methods import Method
from vag_sim.evaluation.results import Key, Result
from vag_sim.evaluation.scenes import EvaluationScene
from vag_sim.pool import run_parallel


@dataclass(frozen=True)
class Job:
    """What is still to be measured in one scene with one sampler seed.

    Attributes:
        scene: which one.
        sampler_seed: number of the noise.
        methods: that have no result yet.
        folder: receives actions and film strips.
    """

    scene: EvaluationScene
    sampler_seed: int
    methods: tuple[Method, ...]
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What a job came to; ``skipped`` says what has no result, and why."""

    job: Job
    results: tuple[Result, ...] = ()
    seconds: float = 0.0
    skipped: str = ''


def plan_jobs(
    scenes: Sequence[EvaluationScene],
    seeds: int,
    methods: Sequence[Method],
    known: Sequence[Result],
    folder: Path,
) -> list[Job]:
    """Return the jobs whose results are not known yet.

    Methods that do not sample are run with the first sampler seed only.

    Raises:
        ValueError: a known result was made with other weights.
    """
    identities = {method.name: method.identity for method in methods}
    done: set[Key] = set()
    for result in known:
        if identities.get(result.method, result.identity) != result.identity:
            raise ValueError(
                f'{folder}: holds results of {result.method} with other weights '
                f'({result.identity[:12]}, now {identities[result.method][:12]}): choose another '
                'folder'
            )
        done.add(result.key)
    jobs = []
    for seed in range(seeds):
        for scene in scenes:
            missing = tuple(
                method
                for method in methods
                if (method.samples or seed == 0)
                and (method.name, scene.task, scene.seed, seed) not in done
            )
            if missing:
                jobs.append(Job(scene, seed, missing, folder))
    return jobs


def run_job(job: Job) -> Outcome:
    """Measure every method of a job, and keep its actions and film strip."""
    import numpy as np

    from vag_sim.evaluation.case import load, make, open_case
    from vag_sim.evaluation.gallery import save_strip
    from vag_sim.evaluation.measure import measure
    from vag_sim.tasks import UnreachableError

    started = time.perf_counter()
    try:
        cameras = dict.fromkeys(load(method.checkpoint).camera for method in job.methods)
        case = open_case(job.scene, job.sampler_seed, tuple(cameras))
    except UnreachableError as error:
        return Outcome(job, skipped=str(error))
    results, skipped = [], []
    for method in job.methods:
        try:
            made = make(method, case)
            result, film = measure(method, case, made)
        except (ArithmeticError, RuntimeError, ValueError) as error:
            # One method's failure in one scene must not cost the others' results.
            skipped.append(f'{method.name}: {error!r}')
            continue
        stem = stem_of(job.folder, result)
        stem.parent.mkdir(parents=True, exist_ok=True)
        np.save(stem.with_suffix('.npy'), made.actions.astype(np.float32))
        if method.generates:
            save_strip(stem.with_suffix('.jpg'), made.video, film)
        results.append(result)
    return Outcome(job, tuple(results), time.perf_counter() - started, '; '.join(skipped))


def stem_of(folder: Path, result: Result) -> Path:
    """Where a result's actions (.npy) and film strip (.jpg) lie, without the suffix."""
    scene = EvaluationScene(result.split, result.task, result.seed)
    return folder / 'made' / result.method / f'{scene.name}_{result.sampler_seed}'


def run_jobs(jobs: Sequence[Job], workers: int | None = None) -> Iterator[Outcome]:
    """Run the jobs on all cores, or on ``workers`` processes, and yield outcomes as they come."""
    return run_parallel(run_job, jobs, workers)
