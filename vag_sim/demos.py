"""Sets of demonstrations: planned, carried out in the twin, filmed, saved when they succeed."""

import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vag_core.episode import Episode, save_episode
from vag_core.images import read_mp4
from vag_core.robot import load_profile
from vag_sim.tasks import FPS, UnreachableError, make_task


@dataclass(frozen=True)
class Job:
    """One demonstration to make: the task, the seed of its scene, the cameras and the folder."""

    task: str
    seed: int
    cameras: tuple[str, ...]
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job; ``failure`` is empty when the episode was saved."""

    job: Job
    failure: str = ''


def record(task_name: str, seed: int, cameras: tuple[str, ...]) -> Episode:
    """Demonstrate a task in the scene of ``seed``.

    Frame k and state k are taken as action k is commanded.

    Raises:
        UnreachableError: the scene can't be solved.
    """
    import mujoco

    from vag_sim.twin import Twin

    task, profile = make_task(task_name), load_profile('sim')
    frames: dict[str, list[np.ndarray]] = {camera: [] for camera in cameras}
    states = []
    with Twin(task, seed, profile) as twin:
        actions = task.demonstrate(twin.scene, profile)

        def film(_: int) -> None:
            states.append(twin.position)
            for camera in cameras:
                frames[camera].append(twin.render(camera))

        twin.execute(actions, FPS, film)
        success = twin.success()
    return Episode(
        episode_id=f'{task_name}_{seed:06d}',
        instruction=task.instruction,
        fps=FPS,
        embodiment=profile.as_embodiment(),
        actions=actions,
        videos={camera: np.stack(images) for camera, images in frames.items()},
        states=np.asarray(states, dtype=np.float32),
        success=success,
        provenance={
            'source': 'scripted demonstration in the MuJoCo twin',
            'task': task_name,
            'seed': seed,
            'robot_profile': profile.name,
            'mujoco': mujoco.__version__,
        },
    )


def plan_jobs(
    tasks: list[str], episodes: int, seed: int, cameras: tuple[str, ...], out: Path
) -> tuple[list[Job], int]:
    """Return the jobs that are still to do and how many finished episodes are kept.

    Every task gets the seeds ``seed`` .. ``seed + episodes - 1``; folders are numbered on from
    task to task.

    Raises:
        ValueError: a task or camera is unknown, or a folder holds another task or seed.
    """
    known = [camera.key for camera in _all_cameras()]
    for camera in cameras:
        if camera not in known:
            raise ValueError(f'camera = {camera!r}: known are {", ".join(known)}')
    jobs = []
    for task in tasks:
        make_task(task)
        jobs += [
            Job(task, seed + i, cameras, out / f'episode_{len(jobs) + i:06d}')
            for i in range(episodes)
        ]
    missing = [job for job in jobs if not job.folder.exists()]
    for job in jobs:
        if job not in missing:
            _check_same(job)
    return missing, len(jobs) - len(missing)


def _all_cameras() -> list:
    profile = load_profile('sim')
    return [profile.camera, *profile.other_cameras]


def _check_same(job: Job) -> None:
    """Raise ValueError unless the finished episode in the job's folder is the job's own."""
    path = job.folder / 'episode.json'
    try:
        header = json.loads(path.read_text())
        found = (header['provenance']['task'], header['provenance']['seed'], header['cameras'])
    except (OSError, KeyError, json.JSONDecodeError):
        raise ValueError(f'{job.folder}: exists and is no demonstration of this set') from None
    if found != (job.task, job.seed, sorted(job.cameras)):
        raise ValueError(
            f'{job.folder}: holds task {found[0]}, seed {found[1]}, cameras {found[2]}; '
            f'wanted {job.task}, {job.seed}, {sorted(job.cameras)}: choose another folder'
        )


def run_job(job: Job) -> Outcome:
    """Make and save one demonstration; one that fails is not saved."""
    try:
        episode = record(job.task, job.seed, job.cameras)
    except UnreachableError as error:
        return Outcome(job, str(error))
    if not episode.success:
        return Outcome(job, 'the task did not succeed')
    save_episode(episode, job.folder)
    return Outcome(job)


def run_jobs(jobs: list[Job], workers: int | None = None) -> Iterator[Outcome]:
    """Run the jobs on all cores, or on ``workers`` processes, and yield outcomes as they come."""
    workers = min(workers or len(os.sched_getaffinity(0)), max(len(jobs), 1))
    # Spawned, because an OpenGL context does not survive a fork.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        pending = [pool.submit(run_job, job) for job in jobs]
        try:
            for future in as_completed(pending):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def contact_sheet(
    folders: list[Path], camera: str, rows: int = 24, columns: int = 8, width: int = 160
) -> np.ndarray:
    """Tile a row of evenly spaced frames for each of at most ``rows`` episodes: (H, W, 3) RGB."""
    import cv2

    from vag_core.draw import write_caption

    chosen = np.unique(np.linspace(0, len(folders) - 1, rows).round().astype(int))
    lines = []
    for folder in [folders[i] for i in chosen]:
        video = read_mp4(folder / f'video_{camera}.mp4')
        height = round(width * video.shape[1] / video.shape[2])
        moments = np.linspace(0, len(video) - 1, columns).round().astype(int)
        cells = [
            cv2.resize(video[k], (width, height), interpolation=cv2.INTER_AREA) for k in moments
        ]
        cells[0] = write_caption(cells[0], folder.name)
        lines.append(np.hstack(cells))
    return np.vstack(lines)
