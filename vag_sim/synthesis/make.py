"""One synthesised episode: generate it, replay it, judge it, write it."""

import functools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vag_core.episode import Episode, save_episode
from vag_core.images import encode_png
from vag_core.robot import load_profile
from vag_sim.replay import Verdict, replay
from vag_sim.splits import split_of
from vag_sim.synthesis.settings import Item, PictureItem, SceneItem, Settings
from vag_sim.synthesis.sheet import draw_comparison
from vag_sim.synthesis.verdict import UNJUDGED, Judgement, consistency, judge
from vag_sim.tasks import make_task
from vag_sim.twin import Twin

if TYPE_CHECKING:
    from vag_core.checkpoint import Checkpoint
    from vag_core.generate import Generated, Request


@dataclass(frozen=True)
class Work:
    """An item to make, with what the set is made with, and the folder of the set."""

    item: Item
    settings: Settings
    out: Path


@dataclass(frozen=True)
class Start:
    """What an episode starts from: a picture, what is asked for, and (D,) joint positions."""

    picture: np.ndarray
    instruction: str
    position: np.ndarray


@dataclass(frozen=True, eq=False)
class Replayed:
    """What a replay left: its verdict, film at the video's size and states, and the judgement.

    Film and states are None when the actions were refused.
    """

    verdict: Verdict
    film: np.ndarray | None
    states: np.ndarray | None
    judgement: Judgement


def make_episode(work: Work) -> Judgement:
    """Make the episode of an item and write it to the part of the set that it belongs to."""
    checkpoint = load(work.settings.checkpoint)
    if isinstance(work.item, PictureItem):
        episode, film, judgement = _of_picture(checkpoint, work)
    else:
        episode, film, judgement = _of_scene(checkpoint, work)
    save_episode(
        episode,
        work.out / judgement.outcome.folder / episode.episode_id,
        lambda made, folder: draw_comparison(made, film, judgement, folder),
    )
    return judgement


def look(item: SceneItem, camera: str) -> Start:
    """Return what the robot sees and is asked for at the start of a scene."""
    with Twin(make_task(item.task), item.seed, load_profile('sim')) as twin:
        return Start(twin.render(camera), twin.scene.instruction, twin.position)


def replay_and_judge(
    checkpoint: 'Checkpoint', item: SceneItem, generated: 'Generated', minimum: float
) -> Replayed:
    """Replay a generated episode in the scene that it started from and judge it."""
    from vag_core.model.image_fit import fit_image

    profile, states = load_profile('sim'), []
    verdict, film = replay(
        item.task,
        item.seed,
        checkpoint.embodiment.to_robot(generated.actions),
        checkpoint.fps,
        camera=checkpoint.camera,
        profile=profile,
        on_action=lambda _, twin: states.append(twin.position),
    )
    agreement = None
    if film is not None:
        cfg = checkpoint.config.model
        film = np.stack([fit_image(f, cfg.height, cfg.width, cfg.image_fit) for f in film])
        agreement = consistency(generated.video, film)
    arms = make_task(item.task).sample(item.seed, profile).goal.arms
    measured = None
    if states:
        measured = checkpoint.embodiment.from_robot(np.stack(states)).astype(np.float32)
    return Replayed(verdict, film, measured, judge(verdict, arms, agreement, minimum))


def _of_scene(
    checkpoint: 'Checkpoint', work: Work
) -> tuple[Episode, np.ndarray | None, Judgement]:
    item, settings = work.item, work.settings
    start = look(item, checkpoint.camera)
    request = _request(
        start.picture,
        start.instruction,
        # The first noise of a scene is that of its seed, as `vag run --seed` takes it.
        item.seed + (settings.noise << 32),
        settings,
        checkpoint.embodiment.from_robot(start.position) if _asks_state(checkpoint) else None,
    )
    generated = _generate(checkpoint, request)
    found = replay_and_judge(checkpoint, item, generated, settings.min_consistency)
    about = {
        'task': item.task,
        'seed': item.seed,
        'split': split_of(item.task, item.seed).value,
        'states': 'measured in the replay' if found.states is not None else 'none',
    }
    episode = _episode(checkpoint, work, request, generated, found.judgement, about)
    return _with_states(episode, found.states), found.film, found.judgement


def _of_picture(checkpoint: 'Checkpoint', work: Work) -> tuple[Episode, None, Judgement]:
    job, settings = work.item.job, work.settings
    request = _request(
        job.pixels(),
        job.instruction,
        job.seed + (settings.noise << 32),
        settings,
        None if job.start_state is None else np.asarray(job.start_state),
    )
    generated = _generate(checkpoint, request)
    about = {'image_file': job.image.name, 'seed': job.seed}
    return _episode(checkpoint, work, request, generated, UNJUDGED, about), None, UNJUDGED


def _request(
    picture: np.ndarray,
    instruction: str,
    seed: int,
    settings: Settings,
    start_state: np.ndarray | None,
) -> 'Request':
    from vag_core.generate import Request

    return Request(
        picture, instruction, seed % 2**63, steps=settings.steps, start_state=start_state
    )


def _generate(checkpoint: 'Checkpoint', request: 'Request') -> 'Generated':
    from vag_core.generate import generate

    return generate(checkpoint, [request], preview=False)[0]


def _episode(
    checkpoint: 'Checkpoint',
    work: Work,
    request: 'Request',
    generated: 'Generated',
    judgement: Judgement,
    about: dict,
) -> Episode:
    from vag_core.provenance import of_generation

    return Episode(
        episode_id=work.item.name(work.settings),
        instruction=request.instruction,
        fps=checkpoint.fps,
        embodiment=checkpoint.embodiment,
        actions=generated.actions,
        videos={checkpoint.camera: generated.video},
        stamp_ns=time.time_ns(),
        conditioning_image=encode_png(request.image),
        success=judgement.success,
        provenance={
            **of_generation(checkpoint, request, generated),
            **about,
            'noise_seed': request.seed,
            'verdict': {
                'outcome': judgement.outcome.value,
                'reason': judgement.reason,
                'consistency_db': judgement.consistency_db,
                'min_consistency_db': work.settings.min_consistency,
            },
        },
    )


def _with_states(episode: Episode, states: np.ndarray | None) -> Episode:
    from dataclasses import replace as changed

    return episode if states is None else changed(episode, states=states)


def _asks_state(checkpoint: 'Checkpoint') -> bool:
    return checkpoint.config.model.action.start_state


@functools.cache
def load(folder: Path) -> 'Checkpoint':
    """Load a checkpoint once in this process."""
    from vag_core.checkpoint import load_checkpoint

    return load_checkpoint(folder)
