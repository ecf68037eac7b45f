"""``vag generate`` on a checkpoint of random weights."""

import argparse
import dataclasses
import os
import signal
import socket
import weakref

import cv2
import numpy as np
import pytest
import torch
from tiny_t5 import write_t5

from vag_core import checkpoint as checkpoints
from vag_core import generate as sampler
from vag_core import synthesis
from vag_core.checkpoint import load_checkpoint, save_checkpoint
from vag_core.cli import generate
from vag_core.episode import list_episodes, load_episode
from vag_core.images import encode_png
from vag_core.model.text import TextConfig, TextKind
from vag_core.model.text.t5 import T5Text
from vag_core.model.vag import Vag
from vag_core.weights_reference import WeightsReference


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'scene.png'
    path.write_bytes(encode_png(np.full((40, 60, 3), 90, np.uint8)))
    return path


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Leave the pictures out: they take longer than everything else here."""
    if 'pictures' not in request.function.__name__:
        monkeypatch.setattr(synthesis, 'draw_episode', lambda episode, folder: [])


@pytest.fixture
def vag(checkpoint, image, tmp_path):
    """Run the verb on the random checkpoint."""

    def run(*flags):
        parser = argparse.ArgumentParser()
        generate.add_arguments(parser)
        fixed = ['--checkpoint', checkpoint.path, '--image', image, '--out', tmp_path / 'out']
        return generate.run(parser.parse_args([str(f) for f in [*fixed, *flags]]))

    return run


def episodes(tmp_path):
    return list_episodes(tmp_path / 'out')


def test_an_episode_folder_holds_video_actions_pictures_and_how_it_was_made(
    vag, checkpoint, image, tmp_path, capsys
):
    assert vag('--instruction', 'pick up the cube', '--seed', 3, '--steps', 2) == 0
    (folder,) = episodes(tmp_path)
    assert {p.name for p in folder.iterdir()} == {
        'episode.json',
        'arrays.npz',
        'video_cam_high.mp4',
        'conditioning.png',
        'contact_sheet.png',
        'joints.png',
    }
    episode = load_episode(folder)
    assert episode.instruction == 'pick up the cube'
    assert episode.actions.shape == (9, 14)
    assert episode.conditioning_image == image.read_bytes()
    made = episode.provenance
    assert (made['seed'], made['steps'], made['checkpoint_hash']) == (3, 2, checkpoint.hash)
    assert made['evaluation'] == 'random weights'
    printed = capsys.readouterr().out
    assert 'random weights' in printed
    assert str(folder) in printed
    assert 'peak memory' in printed


def test_the_actions_are_those_of_the_sampler(vag, checkpoint, image, tmp_path):
    vag('--instruction', 'lift', '--seed', 5)
    pixels = cv2.imread(str(image))
    expected = sampler.generate(checkpoint, [sampler.Request(pixels, 'lift', 5)])[0]
    (folder,) = episodes(tmp_path)
    np.testing.assert_array_equal(load_episode(folder).actions, expected.actions)


def test_every_instruction_of_a_file_gets_every_seed(vag, tmp_path):
    path = tmp_path / 'jobs.txt'
    path.write_text('pick\nlift\n')
    assert vag('--instructions', path, '--seeds', 3, '--steps', 1, '--batch', 4) == 0
    found = [load_episode(folder) for folder in episodes(tmp_path)]
    assert sorted((e.instruction, e.provenance['seed']) for e in found) == [
        (text, seed) for text in ('lift', 'pick') for seed in range(3)
    ]


def test_what_is_there_is_not_made_again(vag, tmp_path, capsys, monkeypatch):
    assert vag('--instruction', 'lift', '--steps', 1, '--seeds', 2) == 0
    before = {p: p.stat().st_mtime_ns for p in episodes(tmp_path)}
    capsys.readouterr()
    assert vag('--instruction', 'lift', '--steps', 1, '--seeds', 3) == 0
    assert '2 of 3 episodes are in' in capsys.readouterr().out
    assert len(episodes(tmp_path)) == 3
    assert {p: p.stat().st_mtime_ns for p in before} == before
    monkeypatch.setattr('vag_core.checkpoint.load_checkpoint', None)
    assert vag('--instruction', 'lift', '--steps', 1, '--seeds', 3) == 0


def test_other_settings_are_other_episodes(vag, tmp_path):
    for flags in ([], ['--steps', 2], ['--guidance', 1], ['--solver', 'euler']):
        assert vag('--instruction', 'lift', '--steps', 1, *flags) == 0
    assert len(episodes(tmp_path)) == 4


def test_the_same_episode_asked_for_twice_is_made_once(vag, tmp_path):
    path = tmp_path / 'jobs.txt'
    path.write_text('pick\npick\n')
    assert vag('--instructions', path, '--steps', 1) == 0
    assert len(episodes(tmp_path)) == 1


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--instruction', ' '], 'instruction: empty'),
        (['--instruction', 'a', '--image', 'nowhere.png'], 'image nowhere.png: No such file'),
        (['--instruction', 'a', '--steps', '0'], 'steps = 0'),
        (['--instruction', 'a', '--guidance', 'nan'], 'guidance = nan'),
        (['--instruction', 'a', '--seeds', '0'], '--seeds = 0'),
        (['--instruction', 'a', '--seed', '-1'], 'seed = -1'),
        (['--instruction', 'a', '--device', 'tpu'], "--device = 'tpu'"),
        (['--instruction', 'a', '--checkpoint', 'nowhere'], 'checkpoints/nowhere: not found'),
        (['--instructions', 'nowhere.txt'], 'nowhere.txt: No such file'),
        (['--instructions', 'a.txt', '--start-state', '0'], "a file's entries have their own"),
    ],
)
def test_input_that_can_not_be_used_is_named_and_nothing_is_written(
    vag, tmp_path, capsys, flags, message
):
    assert vag(*flags) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--batch', 'many'], "argument --batch: 'many': must be auto or at least 1"),
        (['--batch', '0'], "argument --batch: '0'"),
        (['--attention', 'best'], "argument --attention: invalid choice: 'best'"),
        (['--instructions', 'a.txt'], 'not allowed with argument --instruction'),
    ],
)
def test_what_the_command_line_can_not_mean_is_refused(vag, capsys, flags, message):
    with pytest.raises(SystemExit, match='2'):
        vag('--instruction', 'a', *flags)
    assert message in capsys.readouterr().err


def test_a_kernel_that_is_not_installed_is_refused(vag, capsys):
    assert vag('--instruction', 'a', '--attention', 'flash3') == 2
    assert 'flash3' in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_gpu_that_is_not_there_is_refused(vag, capsys):
    assert vag('--instruction', 'a', '--device', 'cuda') == 2
    assert "--device = 'cuda': torch sees 0 GPUs" in capsys.readouterr().err


def test_when_memory_runs_out_smaller_batches_go_on(vag, tmp_path, monkeypatch, capsys):
    def small(checkpoint, requests, *args, **options):
        if len(requests) > 1:
            raise torch.OutOfMemoryError
        return sampler.generate(checkpoint, requests, *args, **options)

    monkeypatch.setattr(synthesis, 'generate', small)
    assert vag('--instruction', 'lift', '--steps', 1, '--seeds', 3, '--batch', 3) == 0
    assert len(episodes(tmp_path)) == 3
    assert 'out of memory: now 1 at a time' in capsys.readouterr().out


def test_an_episode_that_never_fits_ends_with_the_reason(vag, tmp_path, monkeypatch, capsys):
    def none(*args, **options):
        raise torch.OutOfMemoryError('tried to allocate 80 GiB')

    monkeypatch.setattr(synthesis, 'generate', none)
    assert vag('--instruction', 'lift') == 1
    assert 'out of memory' in capsys.readouterr().err
    assert episodes(tmp_path) == []


def test_ctrl_c_leaves_whole_episodes_and_the_same_command_goes_on(
    vag, tmp_path, monkeypatch, capsys
):
    drawn = []

    def interrupt(episode, folder):
        drawn.append(folder)
        if len(drawn) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(synthesis, 'draw_episode', interrupt)
    command = ['--instruction', 'lift', '--steps', 1, '--seeds', 4, '--batch', 1]
    assert vag(*command) == 130
    assert '2 episodes made and whole' in capsys.readouterr().err
    assert len(episodes(tmp_path)) == 2
    assert not [p for p in (tmp_path / 'out').iterdir() if 'partial' in p.name]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert vag(*command) == 0
    assert len(episodes(tmp_path)) == 4


def test_the_network_is_not_needed(vag, tmp_path, monkeypatch):
    def refuse(*address):
        raise OSError('no network')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    assert vag('--instruction', 'lift', '--steps', 1) == 0
    assert len(episodes(tmp_path)) == 1


def test_without_a_terminal_progress_is_printed_in_lines(vag, capsys):
    vag('--instruction', 'lift', '--steps', 1)
    assert 'denoising 2/2' in capsys.readouterr().out


def test_t5_is_loaded_once_and_freed_before_the_model_is_loaded(
    vag, recipe, checkpoint_config, tmp_path, monkeypatch
):
    text = TextConfig(kind=TextKind.T5, dim=8, length=6, dtype='float32')
    files = [p for p in write_t5(tmp_path / 't5', width=8).rglob('*') if p.is_file()]
    cfg = dataclasses.replace(
        checkpoint_config,
        model=dataclasses.replace(recipe.model, text=text),
        weights={'text': WeightsReference.of(tmp_path / 't5', files)},
    )
    save_checkpoint(tmp_path / 'with_t5', cfg, Vag(cfg.model))
    events = []

    class Watched(T5Text):
        def __init__(self, *args):
            super().__init__(*args)
            events.append('T5 loaded')
            weakref.finalize(self, events.append, 'T5 freed')

    def load(*args):
        events.append('model loaded')
        return load_checkpoint(*args)

    monkeypatch.setattr('vag_core.model.text.factory.T5Text', Watched)
    monkeypatch.setattr(checkpoints, 'load_checkpoint', load)
    flags = ['--checkpoint', tmp_path / 'with_t5', '--text-cache', tmp_path / 'cache']
    flags += ['--guidance', 1, '--steps', 1, '--instruction', 'pick up']
    assert vag(*flags, '--negative', 'open', '--seeds', 2) == 0
    assert events == ['T5 loaded', 'T5 freed', 'model loaded']
    assert vag(*flags, '--negative', 'open', '--seeds', 3) == 0
    assert events[3:] == ['model loaded']
    assert len(episodes(tmp_path)) == 3
