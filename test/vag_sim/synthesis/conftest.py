"""A generator that gives what a test wants in place of a model."""

from types import SimpleNamespace

import numpy as np
import pytest

from vag_core import resources
from vag_core.checkpoint import CheckpointConfig
from vag_core.configuration import load
from vag_core.generate import Generated
from vag_core.robot import load_profile
from vag_sim import demos
from vag_sim.synthesis import make
from vag_sim.tasks import make_task

TASK, SEED = 'lift_cube:left:blue', 3


@pytest.fixture(scope='session')
def demonstration():
    """One demonstrated episode, pictures halved."""
    return demos.record(TASK, SEED, ('cam_high',), halved=True)


class Generator:
    """Stands for a model: gives ``actions`` and ``video`` and notes the requests."""

    def __init__(self, actions, video):
        self.actions, self.video, self.requests = actions, video, []

    def __call__(self, checkpoint, requests, **_):
        self.requests += requests
        return [Generated(self.video, self.actions, {'denoising': 0.5}) for _ in requests]


@pytest.fixture(scope='session')
def install_generator():
    """Return a function that puts a generator of actions and video in the model's place."""

    def install(patch, actions, video):
        config = load(CheckpointConfig, resources.find('checkpoints/tiny/config.yaml'))
        found = Generator(actions, video)
        checkpoint = SimpleNamespace(
            config=config, camera=config.camera, embodiment=config.embodiment, fps=config.fps
        )
        patch.setattr(make, 'load', lambda folder: checkpoint)
        patch.setattr(make, 'generate', found)
        patch.setattr(make, 'of_generation', lambda c, r, found: {'timings_s': found.timings})
        return found

    return install


@pytest.fixture
def generator(install_generator, monkeypatch):
    """A generator of episodes so short that nothing succeeds; the video is noise."""
    task, profile = make_task(TASK), load_profile('sim')
    actions = task.demonstrate(task.sample(SEED, profile), profile)[:8]
    video = np.random.default_rng(0).integers(256, size=(8, 96, 128, 3), dtype=np.uint8)
    return install_generator(monkeypatch, actions, video)
