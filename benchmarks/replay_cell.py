"""What the benchmarks of the replay server share: node processes, a plain driver, a client."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vag_core.robot import load_profile
from vag_ros import names
from vag_ros.action import ReplayTrajectory
from vag_ros.convert import to_duration, to_ns
from vag_ros.msg import ReplayState
from vag_ros.srv import Approve

PROFILE = load_profile('sim')
FEEDBACK_S = 0.01
TREMBLE = 1e-12
LATE_S = 0.5
PATIENCE_S = 60.0
# Commands that wait for a client without a processor: none may be lost to it.
KEPT = 50_000


def start(code: str, log: Path, domain: int, *arguments: str, file_size: int = 0):
    """Start a Python process in a ROS domain, with a limit on the files it writes."""

    root = str(Path(__file__).parent)
    prologue = f'import resource, sys; sys.path.insert(0, {root!r}); '
    if file_size:
        prologue += f'resource.setrlimit(resource.RLIMIT_FSIZE, ({file_size}, {file_size})); '
    return subprocess.Popen(
        [sys.executable, '-c', prologue + code, *arguments],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        stdin=subprocess.PIPE,
        stdout=log.open('a'),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def start_node(
    name: str, log: Path, domain: int, file_size: int = 0, namespace: str = '', **parameters
):
    """Start a node of the package with parameters."""
    overrides = [x for key, value in parameters.items() for x in ('-p', f'{key}:={value}')]
    overrides += ['-r', f'__ns:=/{namespace}'] if namespace else []
    code = f'from vag_ros.{name} import main; sys.exit(main())'
    return start(code, log, domain, '--ros-args', *overrides, file_size=file_size)


def end(process: subprocess.Popen, number: int = signal.SIGINT) -> None:
    """Ask a process to end, also one that is suspended; then make it."""
    if process.poll() is None:
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10.0)
    if process.poll() is None:
        process.kill()
    process.wait()


def run_driver() -> None:
    """Be two arms that are where they are told to be, until told otherwise on standard input.

    ``ok`` follows and reports at once; ``silent`` reports nothing; ``jump`` reports the arm joints
    0.4 rad off, ``blip`` does so once; ``late`` reports where the arms were :data:`LATE_S` ago;
    ``frozen`` repeats what was reported last; ``home`` goes home.
    """
    rclpy.init()
    node = rclpy.create_node('benchmark_driver')
    pose, past, mode = PROFILE.home_position.copy(), [], ['ok']
    frozen, signs = pose.copy(), itertools.cycle((1, -1))

    def obey(arm, message: JointState) -> None:
        pose[PROFILE.arm_slice(arm)] = PROFILE.from_driver(arm, list(message.position))

    def report() -> None:
        past.append((time.monotonic(), pose.copy()))
        while past[0][0] < time.monotonic() - LATE_S:
            past.pop(0)
        off = 0.4 * (mode[0] in ('jump', 'blip')) * ~PROFILE.is_gripper
        shown = past[0][1] if mode[0] == 'late' else pose + off
        mode[0] = 'ok' if mode[0] == 'blip' else mode[0]
        if mode[0] == 'frozen':
            shown = frozen
        else:
            # No measured position stays the same to the last bit.
            shown = shown + next(signs) * TREMBLE
            frozen[:] = shown
        for arm, publisher in zip(PROFILE.arms, publishers, strict=True):
            position = PROFILE.to_driver(arm, shown[PROFILE.arm_slice(arm)])
            message = JointState(name=list(arm.driver_joints), position=position)
            if mode[0] != 'silent':
                publisher.publish(message)

    def listen() -> None:
        for line in sys.stdin:
            mode[0] = line.strip()
            if mode[0] == 'home':
                pose[:] = PROFILE.home_position
                mode[0] = 'ok'

    publishers = [node.create_publisher(JointState, a.feedback_topic, 1) for a in PROFILE.arms]
    for arm in PROFILE.arms:
        node.create_subscription(
            JointState, arm.command_topic, lambda m, arm=arm: obey(arm, m), names.COMMAND_QOS
        )
    node.create_timer(FEEDBACK_S, report)
    threading.Thread(target=listen, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


def run_heartbeat() -> None:
    """Beat 20 times a second."""
    rclpy.init()
    node = rclpy.create_node('benchmark_heartbeat')
    publisher = node.create_publisher(Empty, names.HEARTBEAT, 1)
    node.create_timer(0.05, lambda: publisher.publish(Empty()))
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


def swing(seconds: float, turn: float, episode_id: str = 'benchmark') -> ReplayTrajectory.Goal:
    """Build a goal at 10 Hz that turns every arm joint but two from home and back."""
    times = np.arange(round(seconds * 10) + 1) * 0.1
    wave = (1 - np.cos(2 * np.pi * times / times[-1])) / 2
    weights = np.tile([1.0, 0.5, -0.5, 0.4, -0.4, 1.0, -0.2], 2) * np.where(
        np.arange(14) < 7, 1, 0.7
    )
    weights[PROFILE.is_gripper] = -0.03 / turn
    positions = PROFILE.home_position + turn * wave[:, None] * weights
    points = [
        JointTrajectoryPoint(
            positions=row.tolist(), time_from_start=to_duration(round(float(t) * 1e9))
        )
        for row, t in zip(positions, times, strict=True)
    ]
    trajectory = JointTrajectory(joint_names=list(PROFILE.joint_names), points=points)
    return ReplayTrajectory.Goal(episode_id=episode_id, trajectory=trajectory)


def _note(store: list, message: JointState, info: dict) -> None:
    stamps = to_ns(message.header.stamp), info['source_timestamp'], info['received_timestamp']
    store.append((*stamps, np.array(message.position)))


class Client:
    """Sends goals, approves them, and notes every command.

    Args:
        domain: to join.
        namespace: of the replay server.

    Attributes:
        commands: by topic, (stamp, when it was published, when it came, position); ns, the second
            and third by the wall clock of this computer.
    """

    def __init__(self, domain: int, namespace: str = ''):
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node(
            'benchmark_client', namespace=namespace, context=self._context
        )
        self.commands = {arm.command_topic: [] for arm in PROFILE.arms}
        self.state: ReplayState | None = None
        for topic, store in self.commands.items():
            self.node.create_subscription(
                JointState,
                topic,
                partial(_note, store),
                KEPT,
            )
        self.node.create_subscription(
            ReplayState, names.REPLAY_STATE, self._take_state, names.STATE_QOS
        )
        self._replay = ActionClient(self.node, ReplayTrajectory, names.REPLAY_TRAJECTORY)
        self._approve = self.node.create_client(Approve, names.APPROVE)
        self._triggers = {
            name: self.node.create_client(Trigger, name)
            for name in (names.STOP, names.RESET, names.ARM)
        }
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        threading.Thread(target=self._spin, daemon=True).start()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _take_state(self, message: ReplayState) -> None:
        self.state = message

    @staticmethod
    def wait(condition, what: str, timeout_s: float = PATIENCE_S):
        """Return the first true value of ``condition()``; TimeoutError names ``what``."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f'{what}: not within {timeout_s:.0f} s')
            time.sleep(0.005)
        return value

    def begin(self, function, *arguments):
        """Make an asynchronous request in the spinning thread and return its future."""
        future = self._executor.create_task(function, *arguments)
        self.wait(future.done, 'executor')
        return future.result()

    def ask(self, function, *arguments):
        """Make an asynchronous request and return its result."""
        future = self.begin(function, *arguments)
        self.wait(future.done, 'answer')
        return future.result()

    def call(self, name: str) -> Trigger.Response:
        """Call a Trigger service."""
        self.wait(self._triggers[name].service_is_ready, name)
        return self.ask(self._triggers[name].call_async, Trigger.Request())

    def send(self, goal: ReplayTrajectory.Goal):
        """Send a goal; returns its handle."""
        self.wait(self._replay.server_is_ready, 'action server')
        return self.ask(self._replay.send_goal_async, goal)

    def plan(self) -> ReplayState:
        """Wait until a plan is on show, and return the state that says so."""
        waiting = ReplayState.PHASE_AWAITING_APPROVAL
        return self.wait(
            lambda: self.state if self.state and self.state.phase == waiting else None, 'a plan'
        )

    def approve(self) -> None:
        """Approve the plan on show."""
        state = self.plan()
        request = Approve.Request(episode_id=state.episode_id, plan_id=state.plan_id)
        answer = self.ask(self._approve.call_async, request)
        if not answer.success:
            raise RuntimeError(answer.message)

    def result(self, handle) -> ReplayTrajectory.Result:
        """Wait for the end of a goal."""
        return self.ask(handle.get_result_async).result

    def close(self) -> None:
        """Leave the domain."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)


def free_domain() -> int:
    """Draw a ROS domain; tests use 1 to 100."""
    return random.randint(150, 220)
