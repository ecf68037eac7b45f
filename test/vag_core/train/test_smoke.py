"""The smoke training from a folder of episodes to a checkpoint."""

import argparse
import json

import numpy as np
import pytest
import torch

from vag_core.checkpoint import load_checkpoint
from vag_core.cli import train as verb
from vag_core.configuration import load, to_mapping
from vag_core.episode import Episode, load_episode, save_episode
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.recipe import Recipe
from vag_core.train.smoke import EVALUATION, train_smoke


@pytest.fixture(scope='module')
def episodes(tmp_path_factory, checkpoint_config):
    """Three episodes of nine frames in which a square and all joints move together."""
    root = tmp_path_factory.mktemp('demonstrations')
    phase = np.linspace(0, 1, 9)
    for number in range(3):
        video = np.full((9, 32, 48, 3), 120, np.uint8)
        for step in range(9):
            left = 4 + 3 * step + number
            video[step, 10:18, left : left + 8] = [200, 30, 30]
        actions = np.outer(phase, np.linspace(0.1, 0.5, 14)) + 0.1 * number
        save_episode(
            Episode(
                episode_id=f'episode_{number:06d}',
                instruction='push the square',
                fps=10.0,
                embodiment=checkpoint_config.embodiment,
                actions=actions.astype(np.float32),
                videos={'cam_high': video},
            ),
            root / f'episode_{number:06d}',
        )
    return root


@pytest.fixture(scope='module')
def data(episodes, recipe):
    return load_demonstrations(episodes, recipe.model, 'cam_high')


@pytest.fixture(scope='module')
def trained(data, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp('training') / 'out'
    return out, *train_smoke(recipe, data, out, seed=3)


def test_it_writes_a_checkpoint_that_says_what_it_is(trained):
    out, _, _ = trained
    loaded = load_checkpoint(out / 'checkpoint')
    assert loaded.evaluation == EVALUATION == 'smoke-trained, not evaluated'
    assert loaded.config.provenance['episodes'] == 3
    assert loaded.config.provenance['steps'] == {'vae': 4, 'video': 4, 'action': 4}


def test_it_writes_what_it_measured_and_a_picture_of_the_losses(trained):
    out, _, measured = trained
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['measured_on'] == 'the training episodes'
    assert metrics['video_psnr'] == measured.video_psnr
    assert metrics['generated']['acceleration'] == measured.generated.acceleration
    assert (out / 'losses.png').read_bytes().startswith(b'\x89PNG')


def test_the_same_seed_trains_the_same_weights(trained, data, recipe, tmp_path):
    _, checkpoint, _ = trained
    again, _ = train_smoke(recipe, data, tmp_path / 'again', seed=3)
    for name, value in checkpoint.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_the_latents_of_the_training_data_are_normalised(trained, data):
    _, checkpoint, _ = trained
    with torch.no_grad():
        latent = checkpoint.model.vae.encode(data.video.transpose(1, 2).float() / 127.5 - 1)
    assert latent.mean((0, 2, 3, 4)).abs().max() < 0.05
    assert (latent.std((0, 2, 3, 4)) - 1).abs().max() < 0.05


def test_an_existing_checkpoint_is_not_trained_over(trained, data, recipe):
    with pytest.raises(FileExistsError, match='nothing was trained'):
        train_smoke(recipe, data, trained[0])


def test_more_steps_bring_the_result_nearer(trained, data, recipe, tmp_path):
    mapping = to_mapping(recipe)
    for part in ('vae', 'video', 'action'):
        mapping['training'][part]['stage'].update(steps=40, learning_rate=3e-3, warmup=5)
    _, _, short = trained
    _, long = train_smoke(load(Recipe, mapping), data, tmp_path / 'long')
    assert long.vae_psnr > short.vae_psnr + 1
    assert long.action_error < short.action_error


def run(*arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(argument) for argument in arguments]))


def test_the_verb_trains_and_prints_the_figures(episodes, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('--config', 'config/models/test.yaml', '--data', episodes, '--out', out) == 0
    printed = capsys.readouterr().out
    assert 'smoke-trained, not evaluated' in printed
    assert 'rad/s^2' in printed
    assert (out / 'checkpoint' / 'config.yaml').is_file()


def test_a_budget_of_time_ends_the_training_early(episodes, tmp_path):
    out = tmp_path / 'out'
    status = run(
        '--config', 'config/models/test.yaml', '--data', episodes, '--out', out,
        '--minutes', 1e-6,
    )  # fmt: skip
    assert status == 0
    steps = load_checkpoint(out / 'checkpoint').config.provenance['steps']
    assert steps['vae'] == steps['video'] == 1


def test_a_folder_without_episodes_is_refused(tmp_path, capsys):
    status = run(
        '--config', 'config/models/test.yaml', '--data', tmp_path, '--out', tmp_path / 'o'
    )
    assert status == 1
    assert 'no episodes' in capsys.readouterr().err


def test_an_episode_of_another_length_is_named(episodes, recipe, tmp_path):
    episode = load_episode(episodes / 'episode_000000')
    short = Episode(
        'short', 'x', 10.0, episode.embodiment, episode.actions[:5],
        {'cam_high': episode.videos['cam_high'][:5]},
    )  # fmt: skip
    save_episode(short, tmp_path / 'short')
    with pytest.raises(ValueError, match='short: 5 steps, the model has 9'):
        load_demonstrations(tmp_path, recipe.model, 'cam_high')


def test_a_missing_camera_is_named(episodes, recipe):
    with pytest.raises(ValueError, match="no camera 'cam_low'"):
        load_demonstrations(episodes, recipe.model, 'cam_low')
