"""Two arms for tests of the replay server: a driver that follows its commands, or doesn't."""

import collections
import itertools
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import recheck_bag
from node_processes import Client, node_launcher, reserved_domain
from rclpy.action import ActionClient
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vag_core import resources
from vag_core.robot import load_profile
from vag_ros import names
from vag_ros.action import ReplayTrajectory
from vag_ros.convert import to_duration, to_ns
from vag_ros.msg import ClampReport, ReplayState
from vag_ros.srv import Approve

PROFILE = load_profile('sim')
FEEDBACK_S = 0.01
TREMBLE = 1e-12
MAX_LAG_S = 2.0
LIMITS = recheck_bag.read_limits(resources.find('config/robots/sim.yaml'))


class SimulatedArms:
    """A driver whose arms are at once where they are told to be, and the clients of the server.

    Attributes:
        commands: per arm, the stamps (ns) and positions that were received.
        began: per arm, where it was when the first of them came, in the driver's units.
        states: every ReplayState so far.
        silent: set it to stop the feedback.
        stuck: set it to keep the arms where they are.
        jump: rad by which the first joint is reported away from where it is.
        glitch: the same for a single message.
        lag_s: what is reported was so this long ago.
    """

    def __init__(self, client):
        self.client = client
        self.pose = PROFILE.home_position.copy()
        self.commands = {arm.name: [] for arm in PROFILE.arms}
        self.began = {}
        self.states, self.reports, self.planned, self.ghost = [], [], [], []
        # No listener that leaves messages out meets the same value twice running.
        self._sign = itertools.cycle(range(-3, 4))
        self._past = collections.deque(maxlen=round(MAX_LAG_S / FEEDBACK_S))
        self._be_well()
        node = client.node
        self._publishers = [
            node.create_publisher(JointState, arm.feedback_topic, 1) for arm in PROFILE.arms
        ]
        self._subscriptions = [
            node.create_subscription(
                JointState, arm.command_topic, lambda m, arm=arm: self._obey(arm, m), 1000
            )
            for arm in PROFILE.arms
        ]
        for kind, topic, store, qos in (
            (ReplayState, names.REPLAY_STATE, self.states, names.STATE_QOS),
            (ClampReport, names.CLAMP_REPORT, self.reports, names.LATCHED_QOS),
            (JointTrajectory, names.PLANNED_TRAJECTORY, self.planned, names.LATCHED_QOS),
            (JointState, names.PREVIEW_JOINT_STATES, self.ghost, names.STATE_QOS),
        ):
            node.create_subscription(kind, topic, store.append, qos)
        self._closing = threading.Event()
        self._publisher = threading.Thread(target=self._publish, daemon=True)
        self._publisher.start()
        self._replay = ActionClient(node, ReplayTrajectory, names.REPLAY_TRAJECTORY)
        self._approve = node.create_client(Approve, names.APPROVE)
        self._triggers = {
            name: node.create_client(Trigger, name)
            for name in (names.STOP, names.RESET, names.ARM, names.DISARM)
        }

    def _be_well(self):
        self.silent = self.stuck = False
        self.jump = self.lag_s = self.glitch = 0.0

    def close(self):
        """Stop the feedback."""
        self._closing.set()
        self._publisher.join()

    def disappear(self):
        """Be gone for good: neither measure nor listen."""
        self.close()
        node = self.client.node
        for publisher in self._publishers:
            self.client.call(node.destroy_publisher, publisher)
        for subscription in self._subscriptions:
            self.client.call(node.destroy_subscription, subscription)

    def wait(self, condition, what):
        """Wait as the client does; when it is in vain, show what the server last said."""
        try:
            return self.client.wait(condition, what=what)
        except pytest.fail.Exception:
            print(self.states[-1:])
            raise

    def be_ready(self):
        """Forget the past, stand at home with fresh feedback, and arm the server."""
        self.pose = PROFILE.home_position.copy()
        self._be_well()
        for store in (
            *self.commands.values(),
            self.states,
            self.reports,
            self.planned,
            self.ghost,
        ):
            store.clear()
        self.wait(lambda: self.states and self._at_home(self.states[-1]), 'home')
        assert self.call(names.RESET).success
        self.wait(lambda: self.call(names.ARM).success, 'armed')

    def _at_home(self, state):
        idle = state.phase in (ReplayState.PHASE_IDLE, ReplayState.PHASE_LATCHED)
        return idle and np.allclose(state.actual.positions, self.pose)

    def place(self, joint, position):
        """Put a joint somewhere and wait until the server has measured it there."""
        self.pose[PROFILE.joint_names.index(joint)] = position
        self.wait(lambda: np.allclose(self.states[-1].actual.positions, self.pose), joint)

    def ask(self, name):
        """Call one of the Trigger services, and return the future of its answer."""
        service = self._triggers[name]
        self.wait(service.service_is_ready, name)
        return self.client.call(service.call_async, Trigger.Request())

    def call(self, name):
        """Call one of the Trigger services, and wait for its answer."""
        return self.client.result(self.ask(name))

    def approve(self, episode_id, plan_id):
        """Approve a plan by its two names."""
        request = Approve.Request(episode_id=episode_id, plan_id=plan_id)
        return self.client.request(self._approve.call_async, request)

    def send(self, goal):
        """Send a goal and return its handle."""
        handle = self.client.request(self._replay.send_goal_async, goal)
        assert handle.accepted
        return handle

    def end(self, handle):
        """Wait for the end of a goal and the last of its commands: (GoalStatus, result)."""
        response = self.client.request(handle.get_result_async)
        self.wait_for_commands(response.result.commands_sent)
        return response.status, response.result

    def cancel(self, handle):
        """Ask for the cancellation of a goal."""
        self.client.request(handle.cancel_goal_async)

    def wait_for_phase(self, phase):
        """Wait until the server is in ``phase`` and return that state."""
        return self.wait(
            lambda: next((s for s in self.states[-1:] if s.phase == phase), None),
            f'phase {phase}',
        )

    def start(self, request):
        """Send a goal, approve its plan and return its handle."""
        handle = self.send(request)
        state = self.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
        answer = self.approve(state.episode_id, state.plan_id)
        assert answer.success, answer.message
        return handle

    def wait_for_commands(self, count):
        """Wait until each arm has received ``count`` commands."""
        self.wait(
            lambda: all(len(received) >= count for received in self.commands.values()),
            f'{count} commands',
        )

    def sent(self, arm):
        """Stamps (n,) in ns and positions (n, 7) of the commands to one arm."""
        stamps, positions = zip(*self.commands[arm], strict=True)
        return np.array(stamps), np.array(positions)

    @property
    def count(self):
        """Number of commands to all arms so far."""
        return sum(len(messages) for messages in self.commands.values())

    @property
    def feedback_seen(self):
        """Whether the server's latest state has measured positions."""
        return bool(self.states) and np.isfinite(self.states[-1].actual.positions).all()

    def _obey(self, arm, message):
        assert tuple(message.name) == arm.driver_joints
        assert not message.velocity and not message.effort
        if not self.commands[arm.name]:
            self.began[arm.name] = PROFILE.to_driver(arm, self.pose[PROFILE.arm_slice(arm)])
        self.commands[arm.name].append((to_ns(message.header.stamp), list(message.position)))
        if not self.stuck:
            self.pose[PROFILE.arm_slice(arm)] = PROFILE.from_driver(arm, list(message.position))

    def _publish(self):
        while not self._closing.wait(FEEDBACK_S):
            now = time.monotonic()
            self._past.append((now, self.pose.copy()))
            if self.silent:
                continue
            shown = next(pose for at, pose in self._past if at >= now - self.lag_s).copy()
            shown[0] += self.jump + self.glitch
            self.glitch = 0.0
            # No measured position stays the same to the last bit.
            shown += TREMBLE * next(self._sign)
            for arm, publisher in zip(PROFILE.arms, self._publishers, strict=True):
                position = PROFILE.to_driver(arm, shown[PROFILE.arm_slice(arm)])
                publisher.publish(JointState(name=list(arm.driver_joints), position=position))


@contextmanager
def running_server(folder, **parameters):
    """Start a replay server with arms that it may move; yields (arms, its process)."""
    parameters = {
        'robot': 'sim',
        'dry_run': False,
        # The machine that tests may not be theirs alone.
        'real_time_priority': 0,
        **parameters,
    }
    with reserved_domain() as domain, node_launcher(domain, folder) as launch:
        process, client = launch('replay_server', **parameters), Client(domain)
        arms = SimulatedArms(client)
        try:
            client.meet('replay_server')
            yield arms, process
        finally:
            arms.close()
            client.close()


def swing(seconds=1.0, turn=0.15, joints=('left_joint1', 'right_joint4')):
    """A goal at 10 Hz that turns some joints from home by ``turn`` rad and back."""
    times = np.arange(round(seconds * 10) + 1) * 0.1
    positions = np.tile(PROFILE.home_position, (len(times), 1))
    for joint in joints:
        wave = turn * (1 - np.cos(2 * np.pi * times / times[-1])) / 2
        positions[:, PROFILE.joint_names.index(joint)] += wave
    return goal(PROFILE.joint_names, positions, times)


def reach(turn, seconds=1.0):
    """A goal at 10 Hz that turns a joint of each arm from home by ``turn`` rad for good."""
    times = np.arange(round(seconds * 10) + 1) * 0.1
    positions = np.tile(PROFILE.home_position, (len(times), 1))
    columns = [PROFILE.joint_names.index(joint) for joint in ('left_joint1', 'right_joint4')]
    positions[:, columns] += turn * (1 - np.cos(np.pi * times[:, None] / times[-1])) / 2
    return goal(PROFILE.joint_names, positions, times)


def goal(joint_names, positions, times):
    """Build a goal from names, (N, D) positions and (N,) times in s."""
    points = [
        JointTrajectoryPoint(
            positions=[float(value) for value in row],
            time_from_start=to_duration(round(moment * 1e9)),
        )
        for row, moment in zip(positions, times, strict=True)
    ]
    trajectory = JointTrajectory(joint_names=list(joint_names), points=points)
    return ReplayTrajectory.Goal(episode_id='episode_1', trajectory=trajectory)


def assert_commands_within_limits(arms, *, at_rest=True, motions=1):
    """Hold what the arms received from one goal against the profile, by differences alone.

    A last target that is repeated, with stamps of its own, is no motion.

    Args:
        at_rest: whether they must have come to rest at the end.
        motions: how many there were, with rests between them.
    """
    moving = set()
    for arm, limits in zip(PROFILE.arms, LIMITS, strict=True):
        measured = arms.began[arm.name]
        reports = recheck_bag.check_goal(*arms.sent(arm.name), limits, measured, at_rest)
        assert [report['problems'] for report in reports] == [[]] * len(reports)
        moving |= {part for part, report in enumerate(reports) if report['moves']}
    assert len(moving) == motions


def children_of(pid):
    """Process ids of the direct children of a process."""
    listed = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    return [int(child) for child in listed.split()]


def running(pid):
    """Whether a process exists and is no zombie."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def settle(seconds=0.1):
    """Give messages that must not come the time to come."""
    time.sleep(seconds)
