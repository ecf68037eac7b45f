"""The checkpoint that ships: smoke-trained, so what is asked of it is form, not skill."""

from pathlib import Path

import numpy as np
import pytest

from vag_core.checkpoint import load_checkpoint
from vag_core.generate import Request, generate
from vag_core.images import decode_image
from vag_core.robot import load_profile

# The head camera's view of a scene that is in no demonstration, at the model's size.
SCENE = Path(__file__).parent / 'data' / 'scene.png'


@pytest.fixture(scope='module')
def tiny():
    return load_checkpoint('tiny')


@pytest.fixture(scope='module')
def made(tiny):
    image = decode_image(SCENE.read_bytes())
    return generate(tiny, [Request(image, 'pick up the red cube with the left arm', seed=11)])[0]


def test_it_says_that_nobody_evaluated_it(tiny):
    assert tiny.evaluation == 'smoke-trained, not evaluated'


def test_it_serves_the_simulated_robot(tiny):
    profile = load_profile('sim')
    assert tiny.embodiment == profile.as_embodiment()
    assert (tiny.frames, tiny.fps, tiny.camera) == (93, 10.0, profile.camera.key)


def test_its_weights_stay_small(tiny):
    assert sum(path.stat().st_size for path in tiny.path.iterdir()) < 8_000_000


def test_its_actions_begin_near_home_and_stay_within_the_limits(made):
    profile = load_profile('sim')
    joints = ~profile.is_gripper
    start = np.abs(made.actions[0] - profile.home_position)
    assert start[joints].max() < 0.15
    outside = np.maximum(profile.lower - made.actions, made.actions - profile.upper)
    assert (outside.max(axis=0) <= profile.tolerance('clamp_tolerance')).all()


def test_its_actions_are_smooth(made):
    joints = ~load_profile('sim').is_gripper
    velocity = np.abs(np.diff(made.actions, axis=0))[:, joints] * 10
    acceleration = np.abs(np.diff(made.actions, n=2, axis=0))[:, joints] * 100
    assert velocity.max() < 1.5
    assert acceleration.max() < 5.0


def test_the_arm_that_was_asked_for_moves_and_the_other_rests(made):
    travel = np.ptp(made.actions, axis=0)
    assert travel[:6].max() > 0.5
    assert travel[7:13].max() < 0.05


def test_its_video_begins_with_the_picture_it_was_given(made):
    image = decode_image(SCENE.read_bytes()).astype(float)
    assert np.abs(made.video[0] - image).mean() < 12
