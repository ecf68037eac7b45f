import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from vag_core.cli import main as cli

VAG = Path(sys.executable).with_name('vag')


def run_in_an_empty_environment(*arguments: str) -> subprocess.CompletedProcess:
    environment = {'PATH': '/usr/bin:/bin', 'HOME': os.environ.get('HOME', '/')}
    return subprocess.run(
        [VAG, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_help_lists_the_verbs_of_every_layer():
    output = run_in_an_empty_environment('--help').stdout
    for verb in ('train', 'sim', 'bag', 'run'):
        assert f'  {verb} ' in output


def test_an_unknown_verb_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit, match='2'):
        cli.main(['fly'])
    assert 'bag' in capsys.readouterr().err


def test_a_verb_of_the_ros_layer_finds_its_environment_by_itself(tmp_path):
    done = run_in_an_empty_environment('bag', 'info', str(tmp_path / 'none'))
    assert done.returncode == 1
    assert 'none' in done.stderr
    assert 'Traceback' not in done.stderr


def test_importing_the_dispatcher_loads_no_heavy_package():
    code = 'import sys, vag_core.cli.main; print({"torch", "mujoco", "rclpy"} & set(sys.modules))'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'set()'


@pytest.mark.parametrize(
    ('module', 'install'), [('vag_sim.none', 'vag-core[sim]'), ('vag_ros.none', 'make setup')]
)
def test_a_verb_whose_layer_is_missing_names_the_install(monkeypatch, capsys, module, install):
    verb = EntryPoint('lost', module, 'vag.verbs')
    monkeypatch.setattr(cli, 'entry_points', lambda group: [verb])
    assert cli.main(['lost']) == 2
    assert install in capsys.readouterr().err
