"""A generator that gives what a test wants in place of a model."""

from types import SimpleNamespace

import pytest

from vag_core import resources
from vag_core.checkpoint import CheckpointConfig
from vag_core.configuration import load
from vag_core.generate import Generated
from vag_sim import demos
from vag_sim.synthesis import make

TASK, SEED = 'lift_cube:left:blue', 3


@pytest.fixture(scope='session')
def demonstration():
    """One demonstrated episode, pictures halved."""
    return demos.record(TASK, SEED, ('cam_high',), halved=True)


class Generator:
    """Stands for a model: gives ``actions`` and ``video`` and notes the requests."""

    def __init__(self, demonstration, steps):
        self.actions = demonstration.actions[:steps].copy()
        self.video = demonstration.videos['cam_high'][:steps].copy()
        self.requests = []

    def __call__(self, checkpoint, requests, **_):
        self.requests += requests
        return [Generated(self.video, self.actions, {'denoising': 0.5}) for _ in requests]


@pytest.fixture(scope='session')
def install_generator(demonstration):
    """Return a function that puts a generator of ``steps`` steps in the model's place."""

    def install(patch, steps=93):
        config = load(CheckpointConfig, resources.find('checkpoints/tiny/config.yaml'))
        found = Generator(demonstration, steps)
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
    """A generator of episodes so short that nothing succeeds."""
    return install_generator(monkeypatch, steps=8)
