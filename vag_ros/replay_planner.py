"""Planning in a process of its own, so that it can't hold up the stream of commands.

The worker is started once and kept warm. It ends when its standard input does, hence with its
parent, however that ends; a Ctrl-C in the terminal doesn't reach it.
"""

import os
import pickle
import select
import subprocess
import sys
import threading

import numpy as np

from vag_core.robot import load_profile
from vag_core.safety.clearance import known_clearance
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import Plan, make_plan
from vag_core.safety.request import TrajectoryRequest

# A plan takes well under a second, the first one waits for the worker's imports.
PATIENCE_S = 60.0


class Planner:
    """Asks a warm worker process for plans.

    Args:
        robot: name or path of the profile.
    """

    def __init__(self, robot: str):
        self._robot = robot
        self._lock = threading.Lock()
        self._closed = False
        self._worker = self._start()

    def plan(self, request: TrajectoryRequest, measured: np.ndarray) -> Plan | Refusal:
        """Plan in the worker; one caller at a time. One that died or hung is replaced."""
        with self._lock:
            if self._worker.poll() is not None and not self._closed:
                self._worker = self._start()
            try:
                pickle.dump((request, measured), self._worker.stdin)
                self._worker.stdin.flush()
                if not select.select([self._worker.stdout], [], [], PATIENCE_S)[0]:
                    self._worker.kill()
                    self._worker.wait()
                    text = f'planning took longer than {PATIENCE_S:.0f} s'
                    return Refusal(ErrorCode.SOFTWARE_FAULT, text)
                return pickle.load(self._worker.stdout)
            except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
                text = f'the planning process ended: {error!r}'
                return Refusal(ErrorCode.SOFTWARE_FAULT, text)

    def close(self) -> None:
        """End the worker, even in the middle of a plan."""
        self._closed = True
        self._worker.kill()
        self._worker.wait()

    def _start(self) -> subprocess.Popen:
        path = os.pathsep.join(entry or os.curdir for entry in sys.path)
        return subprocess.Popen(
            [sys.executable, '-m', 'vag_ros.replay_planner', self._robot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, 'PYTHONPATH': path},
            start_new_session=True,
        )


def serve(robot: str) -> None:
    """Answer pickled (request, measured) on standard input with plans on standard output."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), 'wb')
    # Whatever a library prints must not end up between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    profile = load_profile(robot)
    clearance = known_clearance(profile)
    while True:
        try:
            request, measured = pickle.load(source)
        except EOFError:
            return
        pickle.dump(make_plan(request, profile, measured, clearance), sink)
        sink.flush()


if __name__ == '__main__':
    serve(sys.argv[1])
