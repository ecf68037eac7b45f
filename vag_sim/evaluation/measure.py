"""One result: a method's actions are compared, replayed and judged, its video is compared."""

import functools
import math

import numpy as np

from vag_core.metrics.actions import compare_actions, in_strokes
from vag_core.metrics.video import moving_pixels, psnr, ssim_map
from vag_core.robot import RobotProfile, load_profile
from vag_core.safety.plan import Plan, make_plan
from vag_sim.clearance import TwinClearance
from vag_sim.evaluation.behaviour import Track, judge, moved_arms
from vag_sim.evaluation.case import Case, Made, load
from vag_sim.evaluation.methods import Method, Source
from vag_sim.evaluation.results import LARGEST_PSNR, Result
from vag_sim.motion import hard_limits
from vag_sim.replay import replay, request_of


def measure(method: Method, case: Case, made: Made) -> tuple[Result, np.ndarray | None]:
    """Measure what a method made of a case.

    Returns:
        The result, and the film of the replay as the checkpoint sees it, (T, H, W, 3), where the
        method has a generated video and its actions were not refused.
    """
    checkpoint, profile = load(method.checkpoint), load_profile('sim')
    filmed = method.generates
    track = Track()
    verdict, film = replay(
        case.scene.task,
        case.scene.seed,
        made.actions,
        camera=checkpoint.camera if filmed else '',
        profile=profile,
        on_action=track,
    )
    film = None if film is None else case.fitted(checkpoint, film)
    behaviour = None if verdict.refused else judge(track, made.actions, profile)
    made_of = case.demonstration.provenance
    arms = tuple(made_of['arms'])
    moved = moved_arms(verdict)
    chosen = behaviour.chosen if behaviour else ''
    video = {}
    if method.source in (Source.MODEL, Source.FIRST_FRAME):
        video = compare_videos(made.video, case.truth(checkpoint))
    if film is not None:
        either = moving_pixels(made.video) | moving_pixels(film)
        video['consistency'] = decibels(psnr(made.video, film, either))
    result = Result(
        method=method.name,
        identity=method.identity,
        split=case.scene.split,
        task=case.scene.task,
        seed=case.scene.seed,
        sampler_seed=case.sampler_seed,
        instruction=case.demonstration.instruction,
        arms=arms,
        target=made_of['target'],
        container=made_of['container'],
        success=verdict.success,
        refused=verdict.refused,
        accepted=_accepted(made, case, profile) if method.source is Source.MODEL else None,
        moved_arms=moved,
        right_arm=set(moved) == set(arms),
        chosen=chosen,
        right_object=chosen == made_of['target'],
        target_error_mm=behaviour.target_error_mm if behaviour else None,
        **_of_actions(made.actions, case.demonstration.actions[: len(made.actions)], profile),
        **video,
        inference_s=made.seconds,
    )
    return result, film


@functools.cache
def _clearance() -> TwinClearance:
    return TwinClearance()


def _accepted(made: Made, case: Case, profile: RobotProfile) -> bool:
    """Whether the replay server's whole planning accepts the actions, clearance included."""
    demonstration = case.demonstration
    request = request_of(made.actions, demonstration.fps, profile)
    return isinstance(make_plan(request, profile, demonstration.states[0], _clearance()), Plan)


def _of_actions(actions: np.ndarray, truth: np.ndarray, profile: RobotProfile) -> dict:
    grippers = (profile.is_gripper, *hard_limits(profile))
    raw = compare_actions(actions, truth)
    strokes = compare_actions(in_strokes(actions, *grippers), in_strokes(truth, *grippers))
    return {**vars(raw), **{f'strokes_{name}': value for name, value in vars(strokes).items()}}


def compare_videos(video: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
    """Compare a video with the demonstration's, (T, H, W, 3) uint8 each: fields of a Result."""
    moving = moving_pixels(truth)
    similarity = ssim_map(video, truth)
    still = np.repeat(truth[:1], len(truth), axis=0)
    found = {
        'psnr': decibels(psnr(video, truth)),
        'ssim': float(similarity.mean()),
        'psnr_moving': decibels(psnr(video, truth, moving)),
    }
    if moving.any():
        found['ssim_moving'] = float(similarity[moving].mean())
        found['moving_gain'] = found['psnr_moving'] - decibels(psnr(still, truth, moving))
    return found


def decibels(value: float) -> float | None:
    """Return a PSNR that JSON and means can hold: None for that of no pixels, bounded above."""
    return None if math.isnan(value) else min(value, LARGEST_PSNR)
