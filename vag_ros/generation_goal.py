"""What a GenerateEpisode goal asks for: checked and completed from the topics, or refused."""

import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from vag_ros import convert, names
from vag_ros.action import GenerateEpisode

if TYPE_CHECKING:
    from vag_core.generate import Request

Result = GenerateEpisode.Result

MAX_STEPS = 1000  # far beyond any use; a slip of the keyboard shall not occupy the model for hours
SEED_BITS = 32  # of a drawn seed: short enough to be typed again


class GoalRefused(Exception):  # noqa: N818  (an outcome, not a fault)
    """A goal that can't be served; ``code`` is one of GenerateEpisode's."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, eq=False)
class Conditioning:
    """The image that an episode starts from.

    Attributes:
        data: JPEG or PNG, as received.
        pixels: (H, W, 3) uint8 RGB.
        stamp_ns: its header.stamp.
        source: the topic that it came from, or ``goal``.
    """

    data: bytes
    pixels: np.ndarray
    stamp_ns: int
    source: str


@dataclass
class Inputs:
    """The latest of the camera and of the instruction topic.

    Attributes:
        camera_topic: where images come from.
        image: None until one has come.
        image_received: monotonic time of its arrival; the camera's clock may be another one.
        instruction: empty until one has come.
    """

    camera_topic: str
    image: CompressedImage | Image | None = None
    image_received: float = 0.0
    instruction: str = ''


@dataclass(frozen=True, eq=False)
class GenerationJob:
    """A goal that can be served; ``steps`` and ``guidance`` are None for the checkpoint's own.

    ``start_state`` holds the (D,) measured joints, where the checkpoint asks for them.
    """

    conditioning: Conditioning
    instruction: str
    seed: int
    steps: int | None
    guidance: float | None
    start_state: np.ndarray | None = None

    @property
    def request(self) -> 'Request':
        """The same for the sampler."""
        from vag_core.generate import Request

        return Request(
            self.conditioning.pixels,
            self.instruction,
            self.seed,
            steps=self.steps,
            guidance=self.guidance,
            start_state=self.start_state,
        )


def read_goal(goal: GenerateEpisode.Goal, inputs: Inputs, max_image_age_s: float) -> GenerationJob:
    """Check a goal and complete it from the topics; seed -1 is replaced by a drawn one.

    Raises:
        GoalRefused: naming field and value.
    """
    if goal.seed < -1:
        raise GoalRefused(
            Result.INVALID_GOAL, f'seed = {goal.seed}: must be -1 (drawn here) or not negative'
        )
    if goal.steps > MAX_STEPS:
        raise GoalRefused(
            Result.INVALID_GOAL, f'steps = {goal.steps}: must lie between 0 and {MAX_STEPS}'
        )
    if not math.isfinite(goal.guidance):
        raise GoalRefused(Result.INVALID_GOAL, f'guidance = {goal.guidance}: must be finite')
    instruction = goal.instruction.strip() or inputs.instruction
    if not instruction:
        raise GoalRefused(
            Result.NO_INSTRUCTION, f'instruction: empty, and none has come on {names.INSTRUCTION}'
        )
    return GenerationJob(
        conditioning=_conditioning(goal, inputs, max_image_age_s),
        instruction=instruction,
        seed=secrets.randbits(SEED_BITS) if goal.seed == -1 else goal.seed,
        steps=goal.steps or None,
        guidance=None if goal.guidance < 0 else goal.guidance,
    )


def _conditioning(
    goal: GenerateEpisode.Goal, inputs: Inputs, max_image_age_s: float
) -> Conditioning:
    image, received = inputs.image, inputs.image_received
    if len(goal.image.data):
        message, source, code = goal.image, 'goal', Result.INVALID_GOAL
    elif image is None:
        raise GoalRefused(
            Result.NO_IMAGE,
            f'no camera image has come on {inputs.camera_topic}, and the goal brings none',
        )
    else:
        message, source, code = image, inputs.camera_topic, Result.NO_IMAGE
        age = time.monotonic() - received
        if age > max_image_age_s:
            raise GoalRefused(
                Result.STALE_IMAGE,
                f'image: the latest on {source} came {age:.2f} s ago, '
                f'max_image_age_s = {max_image_age_s}',
            )
    try:
        data, pixels = convert.read_image(message)
    except ValueError as error:
        raise GoalRefused(code, f'image from {source}: {error}') from None
    return Conditioning(data, pixels, convert.to_ns(message.header.stamp), source)
