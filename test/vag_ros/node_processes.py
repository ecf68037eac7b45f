"""Real node processes and a client for them, in a ROS domain of their own."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import domain_coordinator
import pytest
import rclpy
import yaml
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

# For what comes at once on an idle machine: on a shared one a process may not come to its turn for
# a minute.
PATIENCE_S = 120.0
_DOMAINS = itertools.cycle(random.sample(range(1, 101), 100))


class NodeProcess:
    """A node of the package, ``vag_ros.<executable>`` or ``code``, in a process of its own."""

    def __init__(
        self,
        executable: str,
        parameters: dict[str, Any],
        domain: int,
        folder: Path,
        code: str = '',
    ) -> None:
        self._log = folder / f'{executable}_{time.monotonic_ns()}.log'
        params_file = self._log.with_suffix('.yaml')
        params_file.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
        code = code or f'import sys; from vag_ros.{executable} import main; sys.exit(main())'
        self.process = subprocess.Popen(
            [sys.executable, '-c', code, '--ros-args', '--params-file', str(params_file)],
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain), 'PYTHONUNBUFFERED': '1'},
            stdout=self._log.open('w'),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        """Everything that the process has printed so far."""
        return self._log.read_text()

    def end(self, number: int = signal.SIGINT, timeout_s: float = PATIENCE_S) -> int:
        """Send a signal, wait for the end and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Client:
    """A node that spins in a thread of the test, for its publishers, subscriptions and clients."""

    def __init__(self, domain: int) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node: Node = rclpy.create_node('test_client', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._leaving = False
        self._spinner = threading.Thread(target=self._spin, daemon=True)
        self._spinner.start()

    def _spin(self) -> None:
        while not self._leaving:
            self._executor.spin_once(timeout_sec=0.1)

    @staticmethod
    def wait(condition: Callable[[], Any], timeout_s: float = PATIENCE_S, what: str = '') -> Any:
        """Return the first true value of ``condition()``, or fail the test after the timeout."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f'waited {timeout_s} s in vain' + f' for {what}' * bool(what))
            time.sleep(0.005)
        return value

    def result(self, future: Any, timeout_s: float = PATIENCE_S) -> Any:
        """Return the result of a future of rclpy."""
        self.wait(future.done, timeout_s, 'a reply')
        return future.result()

    def meet(self, node_name: str) -> None:
        """Wait until a node knows every end point that this client has made by now.

        A node that is ready for a request need not have discovered the client yet, and then the
        middleware drops its answer. DDS announces end points in the order of their making: who
        answers this client of its parameters answers those made before.
        """
        service = f'{node_name}/get_parameters'
        parameters = self.node.create_client(GetParameters, service)
        answers = []

        def answered() -> bool:
            if not any(answer.done() for answer in answers) and parameters.service_is_ready():
                answers.append(parameters.call_async(GetParameters.Request()))
            return any(answer.done() for answer in answers)

        self.wait(lambda: answered() or time.sleep(0.2), what=service)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in the spinning thread and return what it returns.

        rclpy's action client notes a request only after sending it: made in another thread, a
        quick reply can come before the note and is lost.
        """
        return self.result(self._executor.create_task(function, *arguments))

    def request(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Make an asynchronous request in the spinning thread and return its result."""
        return self.result(self.call(function, *arguments))

    def close(self) -> None:
        """Stop spinning and leave the domain.

        A node does not destroy its action servers and clients, and while one of them is left its
        DDS participant stays, to answer for its goals in the next test that uses the domain.
        """
        self._leaving = True
        self._spinner.join(PATIENCE_S)
        self._executor.shutdown()
        for waitable in tuple(self.node.waitables):
            waitable.destroy()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)


@contextmanager
def reserved_domain() -> Iterator[int]:
    """Reserve a ROS domain that no other test on this machine uses now, nor a recent one did."""
    with domain_coordinator.domain_id(lambda: next(_DOMAINS)) as domain:
        yield domain


@contextmanager
def node_launcher(domain: int, folder: Path) -> Iterator[Callable[..., NodeProcess]]:
    """Start nodes as ``launch('generator', robot='sim')``; all are ended with the context."""
    started: list[NodeProcess] = []

    def launch(executable: str, **parameters: Any) -> NodeProcess:
        started.append(NodeProcess(executable, parameters, domain, folder))
        return started[-1]

    yield launch
    running = [node for node in started if node.process.poll() is None]
    for node in running:
        node.process.send_signal(signal.SIGINT)
    for node in running:
        node.process.wait(PATIENCE_S)
    for node in started:
        sys.stdout.write(node.output)
        assert 'Traceback' not in node.output
    assert [node.process.returncode for node in running] == [0] * len(running)
