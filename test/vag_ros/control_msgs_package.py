"""control_msgs for tests: the installed one, or its part in ``interfaces/``, built here once.

It comes with a ROS 2 installation only. Built, it lies in ``build/control_msgs``, and nothing but
the processes of a test sees it.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / 'interfaces'
ROOT = Path(__file__).parents[2]
INSTALLED = importlib.util.find_spec('control_msgs') is not None


@contextmanager
def control_msgs() -> Iterator[None]:
    """Let this process, and those that it starts meanwhile, import control_msgs."""
    if INSTALLED:
        yield
        return
    prefix = _built()
    python = Path(sysconfig.get_path('purelib', vars={'base': str(prefix)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(python))
        for name, entry in (
            ('PYTHONPATH', python),
            ('LD_LIBRARY_PATH', prefix / 'lib'),
            ('AMENT_PREFIX_PATH', prefix),
        ):
            patch.setenv(name, str(entry), prepend=os.pathsep)
        # The loader of this process has read LD_LIBRARY_PATH long ago.
        for library in sorted((prefix / 'lib').glob('*.so')):
            ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
        yield


def _built() -> Path:
    """Return where the package is installed; build it where that has not been done."""
    if shutil.which('cmake') is None:
        pytest.skip('control_msgs is not installed, nor is there a cmake to build its part')
    content = b''.join(path.read_bytes() for path in sorted(SOURCE.rglob('*')) if path.is_file())
    key = hashlib.sha256(content + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / 'build/control_msgs'
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / key
    with (folder / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (prefix / 'share').exists():
            _build(folder / f'{key}.build', prefix)
    return prefix


def _build(build: Path, prefix: Path) -> None:
    # Installed elsewhere and moved, so that what stands at ``prefix`` is whole.
    staging = build / 'staging'
    for command in (
        ['-S', SOURCE, '-B', build, '-DBUILD_TESTING=OFF', f'-DCMAKE_INSTALL_PREFIX={prefix}',
         f'-DCMAKE_INSTALL_RPATH={prefix}/lib'],
        ['--build', build, '--parallel', '2'],
        ['--install', build, '--prefix', staging],
    ):  # fmt: skip
        done = subprocess.run(
            ['cmake', *map(str, command)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    shutil.rmtree(prefix, ignore_errors=True)
    staging.rename(prefix)
    shutil.rmtree(build)
