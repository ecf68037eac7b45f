import dataclasses

import numpy as np
import pytest

from vag_core.policy.episodes import load_policy_episodes
from vag_core.policy.samples import fit_normalisers, make_samples
from vag_core.train.cache import Cache, cache_frames
from vag_core.train.draws import SampleKey
from vag_core.train.processes import Processes
from vag_core.train.recipe import Parallel, Precision


@pytest.fixture(scope='module')
def samples_with(tiny_policy, policy_data, tmp_path_factory):
    """Return a function that gives samples with some noise on the state."""
    data = load_policy_episodes([policy_data], tiny_policy.model, 'cam_high')
    processes = Processes(Precision.FP32, Parallel.DDP, cpu=True)
    folder = tmp_path_factory.mktemp('cache')
    frames = cache_frames(data.clips, Cache(folder, processes, lambda _: lambda *_: None))

    def make(noise):
        training = dataclasses.replace(tiny_policy.training, state_noise=noise)
        recipe = dataclasses.replace(tiny_policy, training=training)
        return make_samples(data, frames, fit_normalisers(data, recipe), recipe, seed=1)

    return make


def test_a_sample_is_a_step_with_the_actions_that_follow(samples_with):
    samples = samples_with(0.0)
    item = samples[SampleKey(1, 0)]
    episode = int(item['episode'])
    state = samples.of_states.restore(item['state'].numpy())
    step = int(np.abs(samples.data.states[episode] - state).max(axis=1).argmin())
    future = samples.of_targets.restore(item['actions'].numpy()) + state
    actions = samples.data.clips.actions[episode]
    assert future == pytest.approx(actions[np.minimum(step + np.arange(1, 4), 5)], abs=1e-5)


def test_noise_on_the_state_leaves_the_goal_where_it_is(samples_with):
    plain, noisy = (samples_with(noise) for noise in (0.0, 0.5))
    for place in range(4):
        one, other = (samples[SampleKey(1, place)] for samples in (plain, noisy))
        assert not np.allclose(one['state'], other['state'])
        goals = [
            samples.of_targets.restore(item['actions'].numpy())
            + samples.of_states.restore(item['state'].numpy())
            for samples, item in ((plain, one), (noisy, other))
        ]
        assert goals[0] == pytest.approx(goals[1], abs=1e-5)


def test_a_sample_depends_on_its_place_alone(samples_with):
    samples = samples_with(0.1)
    first, again, other = (samples[SampleKey(*key)] for key in ((3, 1), (3, 1), (3, 2)))
    assert np.array_equal(first['state'], again['state'])
    assert not np.array_equal(first['state'], other['state'])
