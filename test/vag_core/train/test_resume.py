"""Runs that are interrupted, killed and continued."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from vag_core.configuration import ConfigError, to_mapping
from vag_core.train.interrupt import Interrupt, Interrupted
from vag_core.train.run import RunOptions, TrainingRun
from vag_core.train.states import States


@pytest.fixture(autouse=True)
def no_picture(monkeypatch):
    """Drawing the losses takes longer than these runs."""
    monkeypatch.setattr('vag_core.train.run.draw_losses', lambda *_: None)


@pytest.fixture
def exact(recipe):
    """The recipe in float32 with a state after every second step and no measuring."""
    training = dataclasses.replace(recipe.training, save_every=2, measured_episodes=0)
    return dataclasses.replace(recipe, training=training)


class Stop:
    """Asks to stop when a step of a stage is reported; the next one is the last."""

    def __init__(self, stage, step):
        self.interrupt = Interrupt()
        self.stage, self.step = stage, step

    def __call__(self, activity, done, total, report):
        self.interrupt.asked = activity == self.stage and done == self.step


def losses_of(out):
    found = States(out / 'states', 1)
    return {stage: found.finished(stage)[0].losses for stage in ('vae', 'video', 'action')}


@pytest.mark.parametrize('where', [('vae', 1), ('video', 3), ('action', 2)])
def test_a_continued_run_equals_an_uninterrupted_one(trained, exact, data, tmp_path, where):
    stage, step = where
    stop = Stop(stage, step)
    options = RunOptions(out=tmp_path, seed=3)
    with pytest.raises(Interrupted, match=f'{stage}, step {step + 1} of 4'):
        TrainingRun(exact, data, options, stop.interrupt, stop).train()
    TrainingRun(exact, data, dataclasses.replace(options, resume=True)).train()
    assert losses_of(tmp_path) == losses_of(trained[0])
    for part in ('vae', 'video', 'action'):
        mine, theirs = (States(o / 'states', 1).finished(part)[1] for o in (tmp_path, trained[0]))
        assert all(torch.equal(value, theirs[name]) for name, value in mine.items())


def test_an_interruption_while_episodes_are_encoded_is_continued(exact, data, tmp_path):
    stop = Stop('encoding', 2)
    options = RunOptions(out=tmp_path, seed=3, resume=True)
    with pytest.raises(Interrupted, match='encoding'):
        TrainingRun(exact, data, options, stop.interrupt, stop).train()
    assert len(list((tmp_path / 'cache').glob('latents-*/*'))) == 2
    TrainingRun(exact, data, options).train()
    assert (tmp_path / 'checkpoint').is_dir()


def test_an_interruption_while_episodes_are_measured_is_continued(recipe, data, tmp_path):
    stop = Stop('measuring', 3)
    options = RunOptions(out=tmp_path, seed=3)
    with pytest.raises(Interrupted, match='measuring'):
        TrainingRun(recipe, data, options, stop.interrupt, stop).train()
    measured = TrainingRun(recipe, data, dataclasses.replace(options, resume=True)).train()
    assert measured.episodes == 3
    assert (tmp_path / 'metrics.json').is_file()


def test_a_run_is_continued_only_when_asked_to(exact, data, tmp_path):
    stop = Stop('vae', 1)
    options = RunOptions(out=tmp_path)
    with pytest.raises(Interrupted):
        TrainingRun(exact, data, options, stop.interrupt, stop).train()
    with pytest.raises(FileExistsError, match='--resume continues it'):
        TrainingRun(exact, data, options).train()


def test_a_run_is_not_continued_with_another_seed_or_model(exact, data, tmp_path):
    stop = Stop('vae', 1)
    with pytest.raises(Interrupted):
        TrainingRun(exact, data, RunOptions(out=tmp_path), stop.interrupt, stop).train()
    with pytest.raises(ConfigError, match='begun with another seed'):
        TrainingRun(exact, data, RunOptions(out=tmp_path, seed=1, resume=True)).train()


def command(episodes, config, out, *more):
    code = (
        'import argparse, sys; from vag_core.cli import train as verb; '
        'p = argparse.ArgumentParser(); verb.add_arguments(p); '
        'sys.exit(verb.run(p.parse_args()))'
    )
    return [
        sys.executable, '-c', code, '--config', str(config), '--data', str(episodes),
        '--out', str(out), '--seed', '3', *more,
    ]  # fmt: skip


def many_steps(recipe, path, save_every):
    mapping = to_mapping(recipe)
    mapping['training']['vae']['stage']['steps'] = 100_000
    mapping['training']['save_every'] = save_every
    path.write_text(json.dumps(mapping))
    return path


def environment():
    return {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'}


def wait_for(path, process):
    import time

    for _ in range(2400):
        if any(path.glob('step_*')):
            return
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError(f'nothing in {path}')


def test_a_terminated_process_saves_and_says_how_to_go_on(episodes, recipe, tmp_path):
    config = many_steps(recipe, tmp_path / 'long.yaml', save_every=5)
    out = tmp_path / 'out'
    process = subprocess.Popen(
        command(episodes, config, out), stdout=subprocess.PIPE, text=True, env=environment()
    )
    wait_for(out / 'states' / 'vae', process)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert '--resume' in printed
    step = int(printed.split('step ')[1].split()[0])
    assert States(out / 'states', 1).last_step('vae') == step


def test_a_killed_process_leaves_a_whole_state(episodes, recipe, tmp_path):
    config = many_steps(recipe, tmp_path / 'long.yaml', save_every=1)
    out = tmp_path / 'out'
    process = subprocess.Popen(command(episodes, config, out), env=environment())
    wait_for(out / 'states' / 'vae', process)
    process.kill()
    process.wait()
    state = States(out / 'states', 2).latest('vae')
    assert state.progress.step >= 1
    assert state.optimiser['state']
