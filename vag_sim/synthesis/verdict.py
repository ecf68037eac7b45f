"""The verdict on a generated episode: whether it may teach a policy, and if not, why."""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vag_core.metrics.video import moving_pixels, psnr
from vag_sim.evaluation.results import LARGEST_PSNR
from vag_sim.replay import Verdict

STILL_RAD = 0.05
"""An arm none of whose joints leaves its start by more than this did nothing, rad."""


class Outcome(enum.Enum):
    """What became of a generated episode; its value names the reason in data and tables.

    ``refused``: the robot would not start on the actions. ``still``: no arm that was asked for
    moved. ``failed``: the task is not accomplished at the end. ``inconsistent``: it is, but the
    video shows something else. ``unjudged``: there is no scene to replay it in.
    """

    KEPT = 'kept'
    REFUSED = 'refused'
    STILL = 'still'
    FAILED = 'failed'
    INCONSISTENT = 'inconsistent'
    UNJUDGED = 'unjudged'

    @property
    def folder(self) -> str:
        """The part of the set that such an episode belongs to."""
        return self.value if self in (Outcome.KEPT, Outcome.UNJUDGED) else 'rejected'


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason for people; empty for a kept episode.

    ``success`` and ``consistency_db`` are None where they could not be measured.
    """

    outcome: Outcome
    reason: str = ''
    success: bool | None = None
    consistency_db: float | None = None


UNJUDGED = Judgement(Outcome.UNJUDGED, 'no scene of the twin belongs to its picture')


def consistency(video: np.ndarray, film: np.ndarray) -> float:
    """PSNR of a generated video against the film of its replay where either moves, dB.

    Both are (T, H, W, 3) uint8. Two videos in which nothing moves give NaN, equal ones a bound.
    """
    found = psnr(video, film, moving_pixels(video) | moving_pixels(film))
    return found if math.isnan(found) else min(found, LARGEST_PSNR)


def judge(
    verdict: Verdict, arms: Sequence[str], agreement: float | None, minimum: float
) -> Judgement:
    """Judge an episode by its replay.

    Args:
        verdict: of the replay.
        arms: that the goal asks for.
        agreement: :func:`consistency`; None for a refused replay.
        minimum: lowest agreement of an episode that is kept, dB.
    """
    if verdict.refused:
        return Judgement(Outcome.REFUSED, verdict.refused, False)
    measured = None if agreement is None or math.isnan(agreement) else round(agreement, 3)
    travel = max(verdict.travel_rad[arm] for arm in arms)
    if travel < STILL_RAD:
        reason = f'largest joint travel of {" and ".join(arms)}: {travel:.4f} rad'
        return Judgement(Outcome.STILL, reason, verdict.success, measured)
    if not verdict.success:
        figures = ', '.join(f'{name} = {value:.4f}' for name, value in verdict.measures.items())
        return Judgement(Outcome.FAILED, figures, False, measured)
    if agreement is None or not agreement >= minimum:
        found = 'nothing moves' if measured is None else f'{measured:.2f} dB'
        reason = f'video against replay: {found}, at least {minimum:g} dB are asked for'
        return Judgement(Outcome.INCONSISTENT, reason, True, measured)
    return Judgement(Outcome.KEPT, '', True, measured)
