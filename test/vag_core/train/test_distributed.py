"""Two processes on the CPU train what one process trains."""

import json
import os
import subprocess
import sys

import pytest
import torch

from vag_core.checkpoint import load_checkpoint
from vag_core.configuration import to_mapping
from vag_core.train.states import States

VERB = (
    'import argparse, sys; from vag_core.cli import train as verb; '
    'p = argparse.ArgumentParser(); verb.add_arguments(p); sys.exit(verb.run(p.parse_args()))'
)


@pytest.mark.parametrize('parallel', ['ddp', 'fsdp'])
def test_two_processes_train_what_one_does(trained, recipe, episodes, tmp_path, parallel):
    mapping = to_mapping(recipe)
    mapping['training'].update(
        parallel=parallel, measured_episodes=1, save_every=2, sample_every=2
    )
    config, script, out = (tmp_path / name for name in ('two.yaml', 'verb.py', 'out'))
    config.write_text(json.dumps(mapping))
    script.write_text(VERB)
    done = subprocess.run(
        [
            sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2',
            script, '--config', config, '--data', episodes, '--out', out, '--seed', '3',
        ],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('checkpoint  /') == 1
    for stage in recipe.training.stages:
        one, two = (States(o / 'states', 1).finished(stage)[0].losses for o in (trained[0], out))
        assert two == pytest.approx(one, rel=1e-4)
    one, two = (load_checkpoint(o / 'checkpoint').model for o in (trained[0], out))
    for name, value in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], value, rtol=5e-3, atol=5e-3)
