"""colcon installs the package, plain and linked, so that a fresh shell finds everything in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = (
    *('action', 'checkpoints', 'cmake', 'config', 'launch', 'msg', 'rviz', 'srv', 'urdf'),
    *('vag_core', 'vag_ros', 'vag_sim'),
)
EXECUTABLES = {'display', 'generator', 'operator', 'recorder', 'replay_server', 'sim_robot'}

LOOK = """
import importlib, json, os
from importlib.util import find_spec
from pathlib import Path
from ament_index_python.packages import get_package_prefix, get_package_share_directory
from vag_core import resources

prefix = Path(get_package_prefix('vag_ros'))
share = Path(get_package_share_directory('vag_ros'))
kinds = {kind: importlib.import_module(f'vag_ros.{kind}') for kind in ('msg', 'srv', 'action')}
executables = [p for p in (prefix / 'lib/vag_ros').iterdir() if os.access(p, os.X_OK)]
print(json.dumps({
    'prefix': str(prefix),
    'executables': [p.name for p in executables],
    'modules': {p.name: find_spec(f'vag_ros.{p.name}').origin for p in executables},
    'interfaces': {kind: dir(module) for kind, module in kinds.items()},
    'share': [str(p.relative_to(share)) for p in share.rglob('*')],
    'core': resources.__file__,
    'profile': str(resources.find('config/robots/sim.yaml')),
}))
"""


@pytest.fixture(scope='module')
def workspace(tmp_path_factory) -> Path:
    """Copy what colcon builds; both tests build in it, so the compiler runs once."""
    root = tmp_path_factory.mktemp('workspace')
    for folder in FOLDERS:
        shutil.copytree(
            CHECKOUT / folder, root / folder, ignore=shutil.ignore_patterns('__pycache__')
        )
    for file in ('CMakeLists.txt', 'package.xml', 'env.sh'):
        shutil.copy(CHECKOUT / file, root)
    (root / '.venv').symlink_to(sys.prefix)
    return root


def build(workspace: Path, *options: str) -> None:
    # Of an earlier build only what the compiler made can be used by one of the other kind.
    for folder in ('install', 'build/vag_ros/ament_cmake_python'):
        shutil.rmtree(workspace / folder, ignore_errors=True)
    fresh_shell(
        workspace,
        f'. ./env.sh && colcon build {" ".join(options)} --cmake-args -DBUILD_TESTING=OFF',
    )


def look(workspace: Path) -> dict:
    """Return what Python finds after sourcing env.sh and install/setup.bash, in another folder."""
    # Python looks for modules beside its script first: none lie there.
    script = workspace / 'look' / 'look.py'
    script.parent.mkdir(exist_ok=True)
    script.write_text(LOOK)
    output = fresh_shell(
        workspace, '. ./env.sh && . install/setup.bash && cd / && python "$OLDPWD/look/look.py"'
    )
    return json.loads(output.splitlines()[-1])


def fresh_shell(folder: Path, command: str) -> str:
    environment = {'PATH': os.defpath, 'HOME': str(folder)}
    done = subprocess.run(
        ['bash', '--noprofile', '--norc', '-c', command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(workspace: Path) -> dict:
    found = look(workspace)
    assert found['prefix'] == str(workspace / 'install/vag_ros')
    assert set(found['executables']) == EXECUTABLES
    for kind, names in found['interfaces'].items():
        sources = {path.stem for path in (workspace / kind).iterdir()}
        assert sources and sources <= set(names)
        for name in sources:
            assert f'{kind}/{name}.{kind}' in found['share']
    shipped = [*workspace.glob('config/**/*.yaml'), *workspace.glob('checkpoints/**/*')]
    for path in (workspace / 'launch/replay.launch.py', *shipped):
        assert str(path.relative_to(workspace)) in found['share']
    return found


def test_a_plain_build_is_complete_and_needs_no_checkout(workspace):
    build(workspace)
    found = check(workspace)
    install = workspace / 'install'
    for path in (*found['modules'].values(), found['core'], found['profile']):
        assert Path(path).resolve().is_relative_to(install)


def test_a_linked_build_is_complete_and_runs_the_code_of_the_checkout(workspace):
    build(workspace, '--symlink-install')
    found = check(workspace)
    for path in (*found['modules'].values(), found['core']):
        source = Path(path).resolve()
        assert source.is_relative_to(workspace) and not source.is_relative_to(
            workspace / 'install'
        )
