"""A training run from a folder of episodes to a checkpoint."""

import dataclasses
import json

import pytest
import torch

from vag_core.checkpoint import load_checkpoint
from vag_core.configuration import ConfigError, load, to_mapping
from vag_core.train.preview_fit import fit_to_demonstrations
from vag_core.train.recipe import Recipe


def changed(recipe, **training):
    return dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **training))


def test_it_writes_a_checkpoint_that_says_what_it_is(trained):
    out, _ = trained
    loaded = load_checkpoint(out / 'checkpoint')
    assert loaded.evaluation == 'smoke-trained, not evaluated'
    assert loaded.config.provenance['episodes'] == 3
    assert loaded.config.provenance['steps'] == {'vae': 4, 'video': 4, 'action': 4}


def test_the_checkpoint_holds_the_matrix_of_its_previews(trained, data):
    loaded = load_checkpoint(trained[0] / 'checkpoint')
    matrix = fit_to_demonstrations(loaded.model.vae, data, torch.device('cpu'))
    torch.testing.assert_close(loaded.preview, matrix, atol=2e-3, rtol=0)


def test_it_writes_what_it_measured_and_a_picture_of_the_losses(trained):
    out, measured = trained
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['measured_on'] == 'the training episodes'
    assert metrics['video_psnr'] == measured.video_psnr
    assert metrics['units']['rad']['acceleration'] == measured.units['rad'].acceleration
    assert (out / 'losses.png').read_bytes().startswith(b'\x89PNG')


def test_the_same_seed_trains_the_same_weights(trained, data, recipe, make_run, tmp_path):
    out, _ = trained
    make_run(recipe, data, tmp_path / 'again', seed=3).train()
    first, second = (load_checkpoint(o / 'checkpoint').model for o in (out, tmp_path / 'again'))
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name


def test_the_latents_of_the_training_data_are_normalised(trained, data):
    vae = load_checkpoint(trained[0] / 'checkpoint').model.vae
    video = torch.stack([data.video(index) for index in range(3)])
    with torch.no_grad():
        latent = vae.encode(video.transpose(1, 2).float() / 127.5 - 1)
    assert latent.mean((0, 2, 3, 4)).abs().max() < 0.05
    assert (latent.std((0, 2, 3, 4)) - 1).abs().max() < 0.05


def test_an_existing_checkpoint_is_not_trained_over(trained, data, recipe, make_run):
    with pytest.raises(FileExistsError, match='nothing was trained'):
        make_run(recipe, data, trained[0]).train()


def test_more_steps_bring_the_result_nearer(trained, data, recipe, make_run, tmp_path):
    mapping = to_mapping(recipe)
    for part in ('vae', 'video', 'action'):
        mapping['training'][part]['stage'].update(steps=25, learning_rate=3e-3, warmup=5)
    short = trained[1]
    long = make_run(load(Recipe, mapping), data, tmp_path / 'long').train()
    assert long.vae_psnr > short.vae_psnr + 1
    assert long.range_error < short.range_error


def test_a_budget_of_time_ends_every_stage_early(recipe, data, make_run, tmp_path):
    recipe = changed(recipe, measured_episodes=0)
    make_run(recipe, data, tmp_path, minutes=1e-6).train()
    steps = load_checkpoint(tmp_path / 'checkpoint').config.provenance['steps']
    assert steps == {'vae': 1, 'video': 1, 'action': 1}


def test_a_part_that_would_stay_random_is_refused(recipe, data, make_run, tmp_path):
    with pytest.raises(ConfigError, match='vae is neither trained in full nor given'):
        make_run(changed(recipe, vae=None), data, tmp_path)


def test_the_action_stream_alone_starts_from_a_checkpoint(
    trained, recipe, data, make_run, tmp_path
):
    recipe = changed(recipe, vae=None, video=None, measured_episodes=0)
    make_run(recipe, data, tmp_path, init=trained[0] / 'checkpoint').train()
    before, after = (load_checkpoint(o / 'checkpoint') for o in (trained[0], tmp_path))
    old, new = before.model.state_dict(), after.model.state_dict()
    moved = {name.split('.')[0] for name in old if not torch.equal(old[name], new[name])}
    assert moved == {'action'}
    assert after.normaliser == before.normaliser


def test_a_start_of_another_size_is_refused(trained, recipe, data, make_run, tmp_path):
    model = dataclasses.replace(recipe.model, height=48)
    recipe = dataclasses.replace(recipe, model=model)
    with pytest.raises(ConfigError, match='height = 32, the recipe has 48'):
        make_run(recipe, data, tmp_path, init=trained[0] / 'checkpoint').train()


def test_a_batch_that_does_not_divide_is_refused_before_anything_is_done(
    recipe, data, make_run, tmp_path
):
    stage = dataclasses.replace(recipe.training.vae.stage, accumulate=3)
    vae = dataclasses.replace(recipe.training.vae, stage=stage)
    with pytest.raises(ConfigError, match='batch = 4'):
        make_run(changed(recipe, vae=vae), data, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_a_checkpoint_whose_actions_nobody_trained_says_so(recipe, data, make_run, tmp_path):
    make_run(changed(recipe, action=None, measured_episodes=0), data, tmp_path).train()
    assert load_checkpoint(tmp_path / 'checkpoint').evaluation == 'untrained'


def test_an_episode_with_another_instruction_gets_other_estimates(
    trained, recipe, data, make_run, tmp_path
):
    recipe = changed(recipe, vae=None, video=None, measured_episodes=0)
    same = {'init': trained[0] / 'checkpoint', 'cache': tmp_path / 'cache'}
    make_run(recipe, data, tmp_path / 'one', **same).train()
    instructions = [*data.instructions[:2], 'pull the square']
    other = dataclasses.replace(data, instructions=instructions)
    make_run(recipe, other, tmp_path / 'other', **same).train()
    assert len(list((tmp_path / 'cache').glob('estimates-*/*'))) == 4
    assert len(list((tmp_path / 'cache').glob('latents-*/*'))) == 3


def test_scalars_and_samples_go_to_tensorboard(trained, recipe, data, make_run, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recipe = changed(
        recipe, vae=None, video=None, log_every=2, sample_every=4, measured_episodes=0
    )
    make_run(recipe, data, tmp_path, init=trained[0] / 'checkpoint').train()
    events = EventAccumulator(str(tmp_path / 'tensorboard'))
    events.Reload()
    assert [event.step for event in events.Scalars('action/loss')] == [2, 4]
    assert set(events.Tags()['images']) == {'action/video', 'action/actions'}
