"""One synthesised episode: generate it, replay it, judge it, write it."""

import functools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vag_core.checkpoint import Checkpoint, load_checkpoint
from vag_core.episode import Episode, save_episode
from vag_core.generate import Generated, Request, generate
from vag_core.images import encode_png
from vag_core.jobs import SEED_LIMIT
from vag_core.model.image_fit import fit_image
from vag_core.provenance import of_generation
from vag_core.robot import load_profile
from vag_sim.replay import replay
from vag_sim.splits import split_of
from vag_sim.synthesis.settings import Item, PictureItem, SceneItem, Settings
from vag_sim.synthesis.sheet import draw_comparison
from vag_sim.synthesis.verdict import UNJUDGED, Judgement, consistency, judge
from vag_sim.tasks import make_task
from vag_sim.twin import Twin


@dataclass(frozen=True)
class Work:
    """An item to make, with what the set is made with, and the folder of the set."""

    item: Item
    settings: Settings
    out: Path


@dataclass(frozen=True)
class Start:
    """What an episode starts from: a picture, what is asked for, (D,) joint positions, arms."""

    picture: np.ndarray
    instruction: str
    position: np.ndarray
    arms: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Made:
    """A generated episode before it is written.

    Attributes:
        request, generated: what was asked for and what came.
        judgement: on it.
        about: what its provenance says besides.
        film: (T, H, W, 3) uint8 of the replay at the video's size; None without one.
        states: (T, D) float32 joint positions of the replay in the embodiment's units, or None.
    """

    request: Request
    generated: Generated
    judgement: Judgement
    about: dict[str, Any]
    film: np.ndarray | None = None
    states: np.ndarray | None = None


def make_episode(work: Work) -> Judgement:
    """Make the episode of an item and write it to the part of the set that it belongs to."""
    checkpoint = load(work.settings.checkpoint)
    of_picture = isinstance(work.item, PictureItem)
    made = (_of_picture if of_picture else _of_scene)(checkpoint, work.item, work.settings)
    episode = _episode(checkpoint, work, made)
    save_episode(
        episode,
        work.out / made.judgement.outcome.folder / episode.episode_id,
        lambda episode, folder: draw_comparison(episode, made.film, made.judgement, folder),
    )
    return made.judgement


def look(item: SceneItem, camera: str) -> Start:
    """Return what the robot sees and is asked for at the start of a scene."""
    with Twin(make_task(item.task), item.seed, load_profile('sim')) as twin:
        goal = twin.scene.goal
        return Start(twin.render(camera), twin.scene.instruction, twin.position, goal.arms)


def _of_scene(checkpoint: Checkpoint, item: SceneItem, settings: Settings) -> Made:
    start = look(item, checkpoint.camera)
    position = checkpoint.embodiment.from_robot(start.position)
    request = Request(
        start.picture,
        start.instruction,
        # The first noise of a scene is that of its seed, as `vag run --seed` takes it.
        item.seed + (settings.noise << 32),
        steps=settings.steps,
        start_state=position if checkpoint.config.model.action.start_state else None,
    )
    generated = generate(checkpoint, [request], preview=False)[0]
    states: list[np.ndarray] = []
    verdict, film = replay(
        item.task,
        item.seed,
        checkpoint.embodiment.to_robot(generated.actions),
        checkpoint.fps,
        camera=checkpoint.camera,
        on_action=lambda _, twin: states.append(twin.position),
    )
    about = {
        'task': item.task,
        'seed': item.seed,
        'split': split_of(item.task, item.seed).value,
    }
    if film is None:
        judgement = judge(verdict, start.arms, None, settings.min_consistency)
        return Made(request, generated, judgement, about)
    cfg = checkpoint.config.model
    film = np.stack([fit_image(f, cfg.height, cfg.width, cfg.image_fit) for f in film])
    agreement = consistency(generated.video, film)
    return Made(
        request,
        generated,
        judge(verdict, start.arms, agreement, settings.min_consistency),
        {**about, 'states': 'measured in the replay'},
        film,
        checkpoint.embodiment.from_robot(np.stack(states)).astype(np.float32),
    )


def _of_picture(checkpoint: Checkpoint, item: PictureItem, settings: Settings) -> Made:
    job = item.job
    request = Request(
        job.pixels(),
        job.instruction,
        (job.seed + (settings.noise << 32)) % SEED_LIMIT,
        steps=settings.steps,
        start_state=None if job.start_state is None else np.asarray(job.start_state),
    )
    generated = generate(checkpoint, [request], preview=False)[0]
    about = {'seed': job.seed, 'image_file': job.image.name}
    return Made(request, generated, UNJUDGED, about)


def _episode(checkpoint: Checkpoint, work: Work, made: Made) -> Episode:
    return Episode(
        episode_id=work.item.name(work.settings),
        instruction=made.request.instruction,
        fps=checkpoint.fps,
        embodiment=checkpoint.embodiment,
        actions=made.generated.actions,
        videos={checkpoint.camera: made.generated.video},
        states=made.states,
        stamp_ns=time.time_ns(),
        conditioning_image=encode_png(made.request.image),
        success=made.judgement.success,
        provenance={
            **of_generation(checkpoint, made.request, made.generated),
            **made.about,
            'noise_seed': made.request.seed,
            'verdict': {
                'outcome': made.judgement.outcome.value,
                'reason': made.judgement.reason,
                'consistency_db': made.judgement.consistency_db,
                'min_consistency_db': work.settings.min_consistency,
            },
        },
    )


@functools.cache
def load(folder: Path) -> Checkpoint:
    """Load a checkpoint once in this process."""
    return load_checkpoint(folder)
