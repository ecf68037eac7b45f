import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage

from vag_core.images import encode_jpeg
from vag_ros import convert
from vag_ros.action import GenerateEpisode
from vag_ros.generation_goal import GoalRefused, Inputs, read_goal

Goal = GenerateEpisode.Goal
Result = GenerateEpisode.Result
JPEG = encode_jpeg(np.full((8, 10, 3), 90, np.uint8))


def inputs(age_s=0.0, data=JPEG, instruction='from the topic'):
    image = None if data is None else convert.to_compressed(data, stamp_ns=4)
    return Inputs('camera', image, time.monotonic() - age_s, instruction)


def refusal(goal, given):
    with pytest.raises(GoalRefused) as caught:
        read_goal(goal, given, max_image_age_s=1.0)
    return caught.value.code, str(caught.value)


def test_an_empty_goal_takes_everything_from_the_topics():
    job = read_goal(Goal(), inputs(), 1.0)
    assert (job.instruction, job.conditioning.source) == ('from the topic', 'camera')
    assert (job.conditioning.data, job.conditioning.stamp_ns) == (JPEG, 4)
    assert job.conditioning.pixels.shape == (8, 10, 3)
    assert (job.steps, job.guidance) == (None, None)


def test_a_full_goal_takes_nothing_from_the_topics():
    goal = Goal(
        instruction=' mine ',
        image=convert.to_compressed(JPEG, 9),
        seed=3,
        steps=7,
        guidance=0.0,
    )
    job = read_goal(goal, Inputs('camera'), 1.0)
    assert (job.instruction, job.seed, job.steps, job.guidance) == ('mine', 3, 7, 0.0)
    assert (job.conditioning.source, job.conditioning.stamp_ns) == ('goal', 9)


def test_seed_minus_one_is_drawn_anew_each_time():
    seeds = {read_goal(Goal(seed=-1), inputs(), 1.0).seed for _ in range(8)}
    assert len(seeds) > 1
    assert all(0 <= seed < 2**32 for seed in seeds)


@given(st.integers(0, 2**63 - 1))
def test_every_other_seed_is_kept(seed):
    assert read_goal(Goal(seed=seed), inputs(), 1.0).seed == seed


@pytest.mark.parametrize(
    ('goal', 'topics', 'code', 'said'),
    [
        (Goal(seed=-2), {}, Result.INVALID_GOAL, 'seed = -2'),
        (Goal(steps=1001), {}, Result.INVALID_GOAL, 'steps = 1001'),
        (Goal(guidance=float('nan')), {}, Result.INVALID_GOAL, 'guidance = nan'),
        (Goal(guidance=float('inf')), {}, Result.INVALID_GOAL, 'guidance = inf'),
        (Goal(), {'instruction': ''}, Result.NO_INSTRUCTION, 'vag/instruction'),
        (Goal(), {'data': None}, Result.NO_IMAGE, 'no camera image has come on camera'),
        (Goal(), {'data': b'?'}, Result.NO_IMAGE, 'image from camera: image.data'),
        (Goal(), {'age_s': 5.0}, Result.STALE_IMAGE, 'max_image_age_s = 1.0'),
        (
            Goal(image=CompressedImage(data=b'?')),
            {},
            Result.INVALID_GOAL,
            'image from goal: image.data',
        ),
    ],
)
def test_what_is_wrong_or_missing_is_refused_by_name(goal, topics, code, said):
    refused, reason = refusal(goal, inputs(**topics))
    assert refused == code
    assert said in reason
