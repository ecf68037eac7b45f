"""A ROS package ``toy`` of small programs, for the tests of what starts and ends processes."""

import os
import time
from pathlib import Path

from node_processes import PATIENCE_S

from vag_ros import stack

SHELL = '#!/bin/bash\n'
PROGRAMS = {
    # Ends in order on SIGINT, after half a second.
    'node': 'trap "sleep 0.5; echo ended in order; exit 0" INT\necho up\n',
    'deaf': 'trap "" INT\ntrap "echo terminated; exit 0" TERM\necho up\n',
    'late': 'trap "echo still braking; exit 1" INT\necho up\n',
    'stuck': 'trap "" INT TERM\necho up\n',
}
WAIT = 'while :; do sleep 0.05; done\n'


def install(prefix: Path) -> str:
    """Install the programs below ``prefix``; returns the AMENT_PREFIX_PATH that finds them."""
    index = prefix / 'share/ament_index/resource_index/packages'
    programs = prefix / 'lib/toy'
    for folder in (index, programs):
        folder.mkdir(parents=True)
    (index / 'toy').touch()
    for name, text in PROGRAMS.items():
        _add(programs / name, text + WAIT)
    _add(programs / 'misconfigured', f'exit {stack.MISCONFIGURED}\n')
    _add(programs / 'broken', 'echo first; echo the reason >&2; exit 3\n')
    return f'{prefix}{os.pathsep}{os.environ.get("AMENT_PREFIX_PATH", "")}'


def _add(path: Path, text: str) -> None:
    path.write_text(SHELL + text)
    path.chmod(0o755)


def up(logs: Path, *names: str) -> bool:
    """Whether all these programs have begun, which log to ``logs``."""
    return all('up' in (logs / f'{name}.log').read_text() for name in names)


def wait_until(condition, timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition; AssertionError when it is in vain."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.01)
