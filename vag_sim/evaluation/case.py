"""A case: one scene with one sampler seed, and what every method makes of it."""

import functools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vag_core.episode import Episode
from vag_sim.demos import record
from vag_sim.evaluation.methods import Method, Source
from vag_sim.evaluation.scenes import EvaluationScene

if TYPE_CHECKING:
    from vag_core.baselines.reader import FrameReader
    from vag_core.checkpoint import Checkpoint
    from vag_core.generate import Generated, Request


@dataclass(frozen=True, eq=False)
class Made:
    """What a method made of a case.

    Attributes:
        actions: (T, D) in the robot's units.
        seconds: until they were there; None where nothing was inferred.
        video: (T, H, W, 3) uint8 RGB that they belong to, None where there is none.
    """

    actions: np.ndarray
    seconds: float | None = None
    video: np.ndarray | None = None


@functools.cache
def load(folder: Path) -> 'Checkpoint':
    """Load a checkpoint once in this process."""
    from vag_core.checkpoint import load_checkpoint

    return load_checkpoint(folder)


@functools.cache
def load_frame_reader(folder: Path) -> 'FrameReader':
    """Load a reader once in this process."""
    from vag_core.baselines.reader import load_reader

    return load_reader(folder)


class Case:
    """One scene, demonstrated; methods look at its first picture, instruction and start state.

    Attributes:
        scene: which one.
        sampler_seed: number of the noise in this scene.
        demonstration: its episode; every camera's videos are as the twin renders them.
    """

    def __init__(self, scene: EvaluationScene, demonstration: Episode, sampler_seed: int):
        self.scene = scene
        self.sampler_seed = sampler_seed
        self.demonstration = demonstration
        self._generated: dict[Path, Generated] = {}

    def fitted(self, checkpoint: 'Checkpoint', frames: np.ndarray) -> np.ndarray:
        """Return pictures of the twin as this checkpoint sees them: (T, H, W, 3)."""
        from vag_core.model.image_fit import fit_image

        cfg = checkpoint.config.model
        size = cfg.height, cfg.width, cfg.image_fit
        return np.stack([fit_image(frame, *size) for frame in frames])

    def truth(self, checkpoint: 'Checkpoint') -> np.ndarray:
        """Return the demonstration's video as this checkpoint would make it: (T, H, W, 3)."""
        video = self.demonstration.videos[checkpoint.camera]
        return self.fitted(checkpoint, video[: checkpoint.frames])

    def request(self, checkpoint: 'Checkpoint') -> 'Request':
        """Return what a checkpoint is asked for, with whatever it asks for."""
        from vag_core.generate import Request

        asks_state = checkpoint.config.model.action.start_state
        start = checkpoint.embodiment.from_robot(self.demonstration.states[0])
        return Request(
            self.demonstration.videos[checkpoint.camera][0],
            self.demonstration.instruction,
            noise_seed(self.scene, self.sampler_seed),
            start_state=start if asks_state else None,
        )

    def generated(self, checkpoint: 'Checkpoint') -> 'Generated':
        """Generate with a checkpoint, once; all that need its video share it."""
        from vag_core.generate import generate

        if checkpoint.path not in self._generated:
            self._generated[checkpoint.path] = generate(checkpoint, [self.request(checkpoint)])[0]
        return self._generated[checkpoint.path]

    def read(
        self,
        checkpoint: 'Checkpoint',
        reader: Path | None,
        video: np.ndarray,
        latent: np.ndarray | None = None,
    ) -> tuple[np.ndarray, float]:
        """Read (T, D) actions from a video; return them in the robot's units, and the seconds.

        Args:
            checkpoint: whose action stream it is, if there is no other reader.
            reader: its folder, or None.
            video: (T, H, W, 3) uint8 RGB.
            latent: (C, T', h, w) from which it was decoded; the action stream then follows that,
                so that synchrony is all that differs.
        """
        from vag_core.baselines.after_video import AfterVideoReader

        if reader is None:
            request = self.request(checkpoint)
            asked = request.instruction, request.seed, request.start_state
            found, embodiment = AfterVideoReader(checkpoint, *asked), checkpoint.embodiment
        else:
            found = load_frame_reader(reader)
            embodiment = found.config.embodiment
        started = time.perf_counter()
        follows = reader is None and latent is not None
        actions = found.read_latent(latent) if follows else found.read(video)
        return embodiment.to_robot(actions), time.perf_counter() - started


def noise_seed(scene: EvaluationScene, sampler_seed: int) -> int:
    """Seed of the noise: the first is the scene's own, as ``vag run --seed`` takes it."""
    return scene.seed + (sampler_seed << 32)


def open_case(scene: EvaluationScene, sampler_seed: int, cameras: tuple[str, ...]) -> Case:
    """Record the demonstration of a scene through these cameras.

    Raises:
        UnreachableError: the scene can't be solved.
    """
    return Case(scene, record(scene.task, scene.seed, cameras), sampler_seed)


def make(method: Method, case: Case) -> Made:
    """Let a method make its actions, and its video if it has one."""
    checkpoint = load(method.checkpoint)
    steps = checkpoint.frames
    demonstration = case.demonstration
    if method.source is Source.DEMONSTRATION:
        return Made(demonstration.actions[:steps])
    if method.source is Source.MEAN_ACTION:
        mean = checkpoint.embodiment.to_robot(np.array(checkpoint.normaliser.mean))
        return Made(np.tile(mean, (steps, 1)))
    if method.source is Source.FIRST_FRAME:
        still = np.repeat(case.truth(checkpoint)[:1], steps, axis=0)
        return Made(np.tile(demonstration.states[0], (steps, 1)), video=still)
    if method.source is Source.TRUTH:
        truth = case.truth(checkpoint)
        return Made(*case.read(checkpoint, method.reader, truth), video=truth)
    generated = case.generated(checkpoint)
    seconds = sum(generated.timings.values())
    if method.source is Source.MODEL:
        return Made(checkpoint.embodiment.to_robot(generated.actions), seconds, generated.video)
    actions, more = case.read(checkpoint, method.reader, generated.video, generated.latent)
    return Made(actions, seconds + more, generated.video)
