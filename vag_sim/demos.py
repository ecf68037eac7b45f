"""Sets of demonstrations: planned, carried out in the twin, filmed, saved when they succeed."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vag_core.episode import Episode, save_episode
from vag_core.images import read_mp4
from vag_core.robot import RobotProfile, load_profile
from vag_sim.pool import run_parallel
from vag_sim.splits import SINGLE_SENTENCE_TASK, Split, seeds_of, split_of
from vag_sim.tasks import FPS, Task, UnreachableError, make_task

CAPTIONED_CELLS = 4
"""Width of the caption of a row of the contact sheet, in frames."""


@dataclass(frozen=True)
class Job:
    """One demonstration to make: the task, the seed of its scene, the cameras and the folder.

    ``halved`` asks for pictures of half the width and height, each pixel the mean of four.
    """

    task: str
    seed: int
    cameras: tuple[str, ...]
    folder: Path
    halved: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job; ``failure`` is empty when the episode was saved."""

    job: Job
    failure: str = ''


@functools.cache
def _task(name: str) -> Task:
    """Return the task of this process; it keeps the models of its arms."""
    return make_task(name)


@functools.cache
def _profile() -> RobotProfile:
    return load_profile('sim')


def episode_name(task: str, seed: int) -> str:
    """Name of the demonstration of a task's seed, and of its folder."""
    return f'{task.replace(":", "-")}_{seed:06d}'


def record(
    task_name: str, seed: int, cameras: tuple[str, ...], *, halved: bool = False
) -> Episode:
    """Demonstrate a task in the scene of ``seed``.

    Frame k and state k are taken as action k is commanded.

    Raises:
        UnreachableError: the scene can't be solved.
    """
    import mujoco

    from vag_sim.twin import Twin

    task, profile = _task(task_name), _profile()
    frames: dict[str, list[np.ndarray]] = {camera: [] for camera in cameras}
    states = []
    with Twin(task, seed, profile) as twin:
        actions = task.demonstrate(twin.scene, profile)

        def film(_: int) -> None:
            states.append(twin.position)
            for camera in cameras:
                picture = twin.render(camera)
                frames[camera].append(halve(picture) if halved else picture)

        twin.execute(actions, FPS, film)
        success, scene = twin.success(), twin.scene
    return Episode(
        episode_id=episode_name(task_name, seed),
        instruction=scene.instruction,
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
            'split': split_of(task_name, seed).value,
            'arms': list(scene.goal.arms),
            'target': scene.goal.target,
            'container': scene.goal.container,
            'halved': halved,
            'robot_profile': profile.name,
            'mujoco': mujoco.__version__,
        },
    )


def halve(picture: np.ndarray) -> np.ndarray:
    """Average every 2 x 2 pixels of (H, W, 3) uint8; H and W are even."""
    height, width, _ = picture.shape
    blocks = picture.reshape(height // 2, 2, width // 2, 2, 3).astype(np.uint16)
    return ((blocks.sum(axis=(1, 3)) + 2) // 4).astype(np.uint8)


def seeds_to_record(task: str, split: Split | None, start: int, count: int) -> range:
    """Return the seeds of ``count`` episodes, counted from ``start`` within the split.

    Without a split, and for a task that has none, ``start`` is the first seed itself.

    Raises:
        ValueError: the split has no such seeds for this task.
    """
    if split is None or task == SINGLE_SENTENCE_TASK:
        return range(start, start + count)
    return seeds_of(task, split, start, count)


def plan_jobs(
    seeds: dict[str, range],
    cameras: tuple[str, ...],
    out: Path,
    *,
    halved: bool = False,
) -> tuple[list[Job], int]:
    """Return the jobs that are still to do for these seeds by task, and how many are done.

    Raises:
        ValueError: a task, a seed or a camera is unknown, or a folder holds another recording.
    """
    known = [camera.key for camera in _all_cameras()]
    for camera in cameras:
        if camera not in known:
            raise ValueError(f'camera = {camera!r}: known are {", ".join(known)}')
    missing, done = [], 0
    for task, numbers in seeds.items():
        make_task(task)
        for seed in numbers:
            split_of(task, seed)
            job = Job(task, seed, cameras, out / episode_name(task, seed), halved)
            if job.folder.exists():
                _check_same(job)
                done += 1
            else:
                missing.append(job)
    return missing, done


def _all_cameras() -> list:
    return [_profile().camera, *_profile().other_cameras]


def _check_same(job: Job) -> None:
    """Raise ValueError unless the finished episode in the job's folder is the job's own."""
    path = job.folder / 'episode.json'
    try:
        header = json.loads(path.read_text())
        made = header['provenance']
        found = (made['task'], made['seed'], header['cameras'], made.get('halved', False))
    except (OSError, KeyError, json.JSONDecodeError):
        raise ValueError(f'{job.folder}: exists and is no demonstration of this set') from None
    wanted = (job.task, job.seed, sorted(job.cameras), job.halved)
    for what, is_there, is_wanted in zip(
        ('task', 'seed', 'cameras', 'halved'), found, wanted, strict=True
    ):
        if is_there != is_wanted:
            raise ValueError(
                f'{job.folder}: holds {what} {is_there}, wanted is {is_wanted}: '
                'choose another folder'
            )


def run_job(job: Job) -> Outcome:
    """Make and save one demonstration; one that fails is not saved."""
    try:
        episode = record(job.task, job.seed, job.cameras, halved=job.halved)
    except UnreachableError as error:
        return Outcome(job, str(error))
    if not episode.success:
        return Outcome(job, 'the task did not succeed')
    save_episode(episode, job.folder)
    return Outcome(job)


def run_jobs(jobs: list[Job], workers: int | None = None) -> Iterator[Outcome]:
    """Run the jobs on all cores, or on ``workers`` processes, and yield outcomes as they come."""
    return run_parallel(run_job, jobs, workers)


def contact_sheet(
    folders: list[Path], camera: str, rows: int = 24, columns: int = 8, width: int = 160
) -> np.ndarray:
    """Tile frames of at most ``rows`` episodes, a captioned row each: (H, W, 3) RGB."""
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
        header = json.loads((folder / 'episode.json').read_text())
        line, captioned = np.hstack(cells), CAPTIONED_CELLS * width
        caption = f'{folder.name}: {header["instruction"]}'
        line[:, :captioned] = write_caption(line[:, :captioned], caption)
        lines.append(line)
    return np.vstack(lines)
