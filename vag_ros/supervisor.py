"""Start the described stack as processes, where there is no ROS launch, and end it in order.

Each process gets a session of its own: Ctrl-C in a terminal reaches the supervisor alone, which
then ends all of them. If the supervisor itself is killed, the kernel interrupts every process.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from vag_ros import stack
from vag_ros.stack import Process

# Longer than the slowest orderly end: arms to rest, then the bag closed and announced.
SIGINT_PATIENCE_S = 15.0
SIGTERM_PATIENCE_S = 2.0
# A process that dies sooner than this after its start is not started again: it would die again.
RESPAWN_MIN_LIFE_S = 5.0
LOG_LINES = 15


class ExecutableNotFoundError(RuntimeError):
    """An executable that the stack needs is not installed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Death:
    """A process that ended before it was asked to.

    Attributes:
        exit_code: as of subprocess: -N after signal N.
        respawned: whether it is started again.
        last_lines: the end of its log.
    """

    name: str
    exit_code: int
    respawned: bool
    last_lines: str

    def __str__(self) -> str:
        """Say who died how, with the end of its log."""
        again = ', started again' if self.respawned else ''
        return f'{self.name} has ended: {_how(self.exit_code)}{again}\n{self.last_lines}'.rstrip()


class Supervisor:
    """The running stack, as a context manager.

    Args:
        processes: what to start.
        log_dir: receives one file per process with all that it prints.

    Raises:
        ExecutableNotFoundError: naming what is not installed.
    """

    def __init__(self, processes: Sequence[Process], log_dir: Path) -> None:
        if shutil.which('setpriv') is None:
            raise ExecutableNotFoundError('setpriv is not installed; Debian package util-linux')
        self._log_dir = log_dir
        self._children = [
            _Child(process, log_dir / f'{process.name}.log') for process in processes
        ]

    def __enter__(self) -> Self:
        """Start every process."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for child in self._children:
                child.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every process."""
        self.stop()

    def failed(self) -> str | None:
        """Say which processes have ended too early, how, and what they printed last; else None."""
        deaths = self.deaths()
        return '\n'.join(map(str, deaths)) if deaths else None

    def deaths(self) -> list[Death]:
        """List the processes that ended before :meth:`stop`."""
        return [death for child in self._children for death in child.deaths]

    def exit_codes(self) -> dict[str, int | None]:
        """Return the exit code of each process that was started; None while it runs."""
        return {child.name: child.poll() for child in self._children if child.started}

    def ended_wrong(self) -> list[str]:
        """Say of each process that was started and has not ended with 0 what became of it."""
        codes = self.exit_codes().items()
        return [
            f'{name} still runs' if code is None else f'{name} has ended: {_how(code)}'
            for name, code in codes
            if code != 0
        ]

    def pid(self, name: str) -> int:
        """Return the process id of the process of this name."""
        return next(child.pid for child in self._children if child.name == name)

    def stop(self) -> None:
        """Interrupt all processes at once and wait; who does not end in time is made to.

        The replay server brings the arms to rest; driver and recorder outlive it by themselves.
        """
        with _deaf_to_endings():
            for child in self._children:
                child.retire()
            for number, patience_s in (
                (signal.SIGINT, SIGINT_PATIENCE_S),
                (signal.SIGTERM, SIGTERM_PATIENCE_S),
                (signal.SIGKILL, None),
            ):
                for child in self._children:
                    if child.signal(number) and number != signal.SIGINT:
                        print(f'{child.name} did not end: {number.name} sent', file=sys.stderr)
                deadline = None if patience_s is None else time.monotonic() + patience_s
                for child in self._children:
                    child.join(deadline)


class _Child:
    """One process, started again where its description asks for it; a thread waits for its end.

    The thread that starts a process must live as long as the process does, because the kernel's
    parent-death signal follows the thread (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(self, process: Process, log: Path) -> None:
        self.name = process.name
        self.deaths: list[Death] = []
        self._process = process
        self._log = log
        self._command = [
            *('setpriv', '--pdeathsig', 'INT', '--'),
            str(_executable(process)),
            *process.ros_arguments(),
            '--disable-external-lib-logs',
        ]
        self._popen: subprocess.Popen | None = None
        self._retired = threading.Event()
        self._starting = threading.Lock()
        self._started = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def started(self) -> bool:
        return self._popen is not None

    def start(self) -> None:
        log = self._log.open('wb')
        self._thread = threading.Thread(target=self._run, args=[log], name=self.name, daemon=True)
        self._thread.start()
        self._started.wait()

    def poll(self) -> int | None:
        return None if self._popen is None else self._popen.returncode

    def retire(self) -> None:
        """From now on the end of the process is no death, and nothing is started any more."""
        with self._starting:
            self._retired.set()

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal and say whether the process was still there."""
        if self._popen is None or not self._thread.is_alive():
            return False
        self._popen.send_signal(number)
        return True

    def join(self, deadline: float | None) -> None:
        if self._thread is not None:
            self._thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _run(self, log: BinaryIO) -> None:
        with log:
            again = True
            while again and self._launch(log):
                born = time.monotonic()
                code = self._popen.wait()
                if self._retired.is_set():
                    return
                lived = time.monotonic() - born
                hopeless = code == stack.MISCONFIGURED or lived <= RESPAWN_MIN_LIFE_S
                again = self._process.respawn and not hopeless
                self.deaths.append(
                    Death(
                        name=self.name,
                        exit_code=code,
                        respawned=again,
                        last_lines=self._last_lines(),
                    )
                )
                self._retired.wait(stack.RESPAWN_DELAY_S)

    def _launch(self, log: BinaryIO) -> bool:
        with self._starting:
            try:
                if self._retired.is_set():
                    return False
                self._popen = subprocess.Popen(
                    self._command,
                    env={**os.environ, 'PYTHONUNBUFFERED': '1', 'RCUTILS_COLORIZED_OUTPUT': '0'},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                return True
            finally:
                self._started.set()

    def _last_lines(self) -> str:
        lines = self._log.read_text(errors='replace').splitlines()
        return '\n'.join(f'    {line}' for line in lines[-LOG_LINES:])


def _executable(process: Process) -> Path:
    try:
        prefix = Path(get_package_prefix(process.package))
    except PackageNotFoundError:
        raise ExecutableNotFoundError(
            f'{process.name}: package {process.package!r} is not installed'
        ) from None
    path = prefix / 'lib' / process.package / process.executable
    if not os.access(path, os.X_OK):
        raise ExecutableNotFoundError(
            f'{process.name}: {path} is not there; build the package first'
        )
    return path


def _how(exit_code: int) -> str:
    if exit_code < 0:
        return f'killed by {signal.Signals(-exit_code).name}'
    return f'exit code {exit_code}'


@contextlib.contextmanager
def _deaf_to_endings():
    """Ignore SIGINT and SIGTERM meanwhile: a second one must not cut the orderly end short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = signal.SIGINT, signal.SIGTERM
    previous = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
