"""Samples of the stages, the cache they come from and the estimates among them."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vag_core.model.vag import Vag
from vag_core.train.cache import Cache, InstructionTokens, cache_latents
from vag_core.train.draws import KeySampler, SampleKey
from vag_core.train.estimates import cache_estimates, estimates_per_episode
from vag_core.train.noise import NoiseConfig
from vag_core.train.optimisation import StageConfig
from vag_core.train.processes import Processes
from vag_core.train.recipe import Parallel, Precision, Thinning
from vag_core.train.samples import ActionSamples, Clips, StreamSamples


@pytest.fixture(scope='module')
def processes():
    return Processes(Precision.FP32, Parallel.DDP, cpu=True)


@pytest.fixture(scope='module')
def model(recipe):
    torch.manual_seed(0)
    return Vag(recipe.model).eval()


@pytest.fixture(scope='module')
def cache(tmp_path_factory, processes):
    folder = tmp_path_factory.mktemp('cache')
    return Cache(folder, processes, lambda activity: lambda done, total: None)


@pytest.fixture(scope='module')
def clips(model, data, cache, recipe):
    latents = cache_latents(data, model.vae, cache, torch.float32)
    text = InstructionTokens(model, data.instructions, cache)
    actions = torch.zeros(3, recipe.model.padded_steps, 14)
    return Clips(data.names, latents, text, actions, actions[:, 0])


def test_latents_are_those_of_the_vae(clips, model, data):
    pixels = data.video(1)[None].transpose(1, 2).float() / 127.5 - 1
    with torch.no_grad():
        assert torch.equal(clips.latent(1), model.vae.encode(pixels)[0])


def test_tokens_are_those_of_the_encoder(clips, model, data):
    expected = model.encode_text([data.instructions[2]])[0]
    assert torch.equal(clips.text.read(2), expected)


def test_a_filled_cache_is_used_again_and_another_vae_has_its_own(
    clips, model, data, cache, recipe
):
    files = clips.latents.paths
    written = [path.stat().st_mtime_ns for path in files]
    again = cache_latents(data, model.vae, cache, torch.float32)
    assert again.paths == files
    assert [path.stat().st_mtime_ns for path in files] == written
    other = cache_latents(data, Vag(recipe.model).vae, cache, torch.float32)
    assert other.paths[0].parent != again.paths[0].parent


def streams(clips, seed=0, **changes):
    options = {'text_dropout': 0.5, 'independent': False, **changes}
    return StreamSamples(clips, NoiseConfig(), seed=seed, **options)


def test_a_sample_depends_on_seed_step_and_place_alone(clips):
    samples = streams(clips)
    key = SampleKey(3, 1)
    samples[SampleKey(9, 9)]
    first, again = samples[key], streams(clips)[key]
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    for other in (samples[SampleKey(4, 1)], samples[SampleKey(3, 0)], streams(clips, 1)[key]):
        assert not torch.equal(other['noise'], first['noise'])


def test_both_streams_share_a_noise_level_unless_told_otherwise(clips):
    shared, own = (streams(clips, independent=i)[SampleKey(1, 0)] for i in (False, True))
    assert shared['action_time'] == shared['time'] == own['time']
    assert own['action_time'] != own['time']


@given(
    processes=st.integers(1, 4), accumulate=st.integers(1, 3), size=st.integers(1, 3),
    first=st.integers(1, 3),
)  # fmt: skip
def test_the_processes_together_draw_each_sample_once(processes, accumulate, size, first):
    batch = processes * accumulate * size
    cfg = StageConfig(steps=3, batch=batch, accumulate=accumulate, learning_rate=0.1)
    keys = [
        key
        for process in range(processes)
        for one in KeySampler(cfg, first, process, processes)
        for key in one
    ]
    expected = [SampleKey(s, p) for s in range(first, 4) for p in range(batch)]
    assert sorted(keys) == expected


def estimated(model, clips, cfg, cache):
    return cache_estimates(model, clips, cfg, 0, cache)


def test_rollouts_are_kept_at_every_time_of_the_sampler_s_grid(model, clips, recipe, cache):
    cfg = dataclasses.replace(recipe.training.action, estimates=0, rollouts=1)
    found = estimated(model, clips, cfg, cache)
    grid = torch.from_numpy(recipe.model.sampler.times).float()
    for episode in range(3):
        assert torch.equal(found.read(episode, 'time'), grid)


def test_one_step_estimates_carry_the_clean_first_frame(model, clips, recipe, cache):
    cfg = dataclasses.replace(recipe.training.action, estimates=3, rollouts=0)
    latents = estimated(model, clips, cfg, cache).read(1, 'latent')
    assert len(latents) == estimates_per_episode(model, cfg) == 3
    first = clips.latent(1)[:, 0].bfloat16()
    assert torch.equal(latents[:, :, 0], first.expand(3, -1, -1, -1))


def test_the_action_stream_sees_true_latents_and_estimates_in_their_shares(
    model, clips, recipe, cache
):
    cfg = dataclasses.replace(recipe.training.action, true_share=0.3)
    found = estimated(model, clips, cfg, cache)
    counts = estimates_per_episode(model, cfg)
    samples = ActionSamples(clips, found, cfg, counts=counts, seed=0)
    true = 0
    for step in range(1, 26):
        for place in range(4):
            sample = samples[SampleKey(step, place)]
            true += torch.equal(sample['latent'], clips.latent(int(sample['episode'])))
    assert true == pytest.approx(30, abs=4)


def test_without_estimates_it_sees_true_latents(model, clips, recipe, cache):
    cfg = dataclasses.replace(recipe.training.action, true_share=1.0, estimates=0, rollouts=0)
    assert estimated(model, clips, cfg, cache) is None
    sample = ActionSamples(clips, None, cfg, counts=0, seed=0)[SampleKey(1, 0)]
    assert torch.equal(sample['latent'], clips.latent(int(sample['episode'])))


@pytest.mark.parametrize(('share', 'frames'), [(0.0, 3), (1.0, 2)])
def test_clips_are_thinned_out_alike_in_a_batch_and_keep_their_first_frame(clips, share, frames):
    samples = streams(clips, thinning=Thinning(share=share, frames=2))
    here, there = samples[SampleKey(5, 0)], samples[SampleKey(5, 1)]
    assert here['latent'].shape[1] == here['noise'].shape[1] == frames
    assert here['places'][0] == 0 and torch.equal(here['places'], there['places'])
    whole = clips.latent(int(here['episode']))
    assert torch.equal(here['latent'], whole[:, here['places']])


def test_the_share_of_thinned_out_steps_is_the_one_asked_for(clips):
    samples = streams(clips, thinning=Thinning(share=0.5, frames=2))
    thin = sum(len(samples[SampleKey(step, 0)]['places']) == 2 for step in range(200))
    assert 70 <= thin <= 130


def test_rollouts_may_take_fewer_steps_than_the_sampler(model, recipe):
    cfg = dataclasses.replace(recipe.training.action, estimates=1, rollouts=2, rollout_steps=2)
    short, own = (
        estimates_per_episode(model, dataclasses.replace(cfg, rollout_steps=steps))
        for steps in (2, None)
    )
    assert (short, own) == (1 + 2 * 3, 1 + 2 * 5)
