import math
import signal
import statistics
import time

import numpy as np
import pytest
from node_processes import PATIENCE_S
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from vag_core.robot import load_profile
from vag_ros import convert, names
from vag_sim.motion import command_curve, hard_limits
from vag_sim.tasks import FPS, STEPS, make_task

PROFILE = load_profile('sim')
LEFT, RIGHT = PROFILE.arms
JOINTS = list(LEFT.driver_joints)
HOME = [PROFILE.home[name] for name in JOINTS]


class Robot:
    """What a client of the driver sees: its latest messages, and its command topics."""

    def __init__(self, client, profile=PROFILE):
        self._client = client
        self.node = client.node
        self.seen = {}
        self.published = {
            arm.name: self.node.create_publisher(JointState, arm.command_topic, names.COMMAND_QOS)
            for arm in profile.arms
        }
        for arm in profile.arms:
            self._listen(JointState, arm.feedback_topic, names.STATE_QOS, arm.name)
        for camera in (profile.camera, *profile.other_cameras):
            kind = Image if camera.transport.value == 'raw' else CompressedImage
            self._listen(kind, camera.topic, names.CAMERA_QOS, camera.key)
        self._listen(Bool, names.SIM_SUCCESS, names.LATCHED_QOS, 'success')

    def _listen(self, kind, topic, qos, key):
        arrived = self.seen.setdefault(key, [])
        self.node.create_subscription(kind, topic, arrived.append, qos)

    def wait(self, condition, what=''):
        return self._client.wait(condition, what=what)

    def ready(self):
        self.wait(lambda: self.seen['left'] and self.seen['right'], 'joint states')
        matched = self.published.values()
        self.wait(lambda: all(p.get_subscription_count() for p in matched), 'command topics')
        return self

    def command(self, arm, position, joints=None):
        self.published[arm].publish(JointState(name=joints or JOINTS, position=position))

    def position(self, arm):
        return list(self.seen[arm][-1].position)

    def reset(self):
        service = self.node.create_client(Trigger, names.SIM_RESET)
        self.wait(service.service_is_ready, names.SIM_RESET)
        self._client.meet('sim_robot')
        return self._client.result(service.call_async(Trigger.Request()))


@pytest.fixture
def robot(launch_node, client):
    launch_node('sim_robot', robot='sim', wrist_cameras=False)
    return Robot(client).ready()


def test_joint_states_carry_names_positions_velocities_and_efforts_of_each_arm(robot):
    for arm in ('left', 'right'):
        message = robot.seen[arm][-1]
        assert message.name == JOINTS
        assert list(message.position) == pytest.approx(HOME, abs=0.01)
        assert list(message.velocity) == pytest.approx([0.0] * 7, abs=0.01)
        assert len(message.effort) == 7
        assert message.header.stamp.sec > 0


def test_joint_states_come_at_the_rate_of_the_profile(robot):
    count = len(robot.seen['left'])
    robot.wait(lambda: len(robot.seen['left']) >= count + 400)
    stamps = [convert.to_ns(m.header.stamp) for m in robot.seen['left'][count : count + 400]]
    period_s = statistics.median(np.diff(stamps)) / 1e9  # a busy machine loses or delays a few
    assert 1 / period_s == pytest.approx(PROFILE.feedback_rate_hz, rel=0.2)


def test_cameras_show_the_scene_with_the_frame_of_the_profile(launch_node, client):
    launch_node('sim_robot', robot='sim')
    robot = Robot(client).ready()
    for camera in (PROFILE.camera, *PROFILE.other_cameras):
        message = robot.wait(lambda key=camera.key: robot.seen[key], camera.key)[-1]
        assert message.header.frame_id == camera.frame_id
        _, image = convert.read_image(message)
        assert image.shape == (240, 320, 3)
        assert image.std() > 20


def test_wrist_cameras_can_be_switched_off(robot):
    robot.wait(lambda: len(robot.seen[PROFILE.camera.key]) >= 3)
    for camera in PROFILE.other_cameras:
        assert not robot.node.get_publishers_info_by_topic(camera.topic)


def test_each_arm_goes_where_its_own_topic_says(robot):
    left, right = [0.3, *HOME[1:]], [-0.2, *HOME[1:6], 0.02]
    robot.command('left', left)
    robot.command('right', right)
    robot.wait(lambda: robot.position('left') == pytest.approx(left, abs=0.01))
    robot.wait(lambda: robot.position('right') == pytest.approx(right, abs=0.01))


def test_joints_are_taken_by_name_not_by_order(robot):
    robot.command('left', [0.03, *reversed([0.2, *HOME[1:6]])], list(reversed(JOINTS)))
    robot.wait(lambda: robot.position('left')[0] == pytest.approx(0.2, abs=0.01))
    robot.wait(lambda: robot.position('left')[6] == pytest.approx(0.03, abs=0.002))


REJECTED = {
    'joint2 = nan: must be finite': (JOINTS, [0.5, math.nan, *HOME[2:]]),
    'joint1 = 2.7: allowed is -2.6 to 2.6': (JOINTS, [2.7, *HOME[1:]]),
    'gripper is missing': (JOINTS[:6], [0.5, *HOME[1:6]]),
    "'joint7' is no joint of this arm": ([*JOINTS[:6], 'joint7'], [0.5, *HOME[1:]]),
}


def test_what_the_driver_would_reject_moves_nothing_and_is_named_and_counted(launch_node, client):
    process = launch_node('sim_robot', robot='sim', wrist_cameras=False)
    robot = Robot(client).ready()
    before = robot.position('left')
    for reason, (joints, position) in REJECTED.items():

        def named(reason=reason, joints=joints, position=position):
            robot.command('left', position, joints)
            return reason in process.output

        robot.wait(named, reason)
    assert '1 refused so far' in process.output
    assert robot.position('left') == pytest.approx(before, abs=1e-3)


def test_success_is_false_from_the_start_and_repeated(robot):
    robot.wait(lambda: len(robot.seen['success']) >= 2)
    assert not any(message.data for message in robot.seen['success'])


def test_a_demonstration_streamed_to_the_command_topics_succeeds_at_the_task(robot):
    task = make_task('pick_lift')
    curve = command_curve(task.demonstrate(task.sample(1000, PROFILE), PROFILE), FPS)
    low, high = hard_limits(PROFILE)
    period, end = 1 / PROFILE.command_rate_hz, (STEPS - 1) / FPS
    elapsed, last = 0.0, time.monotonic()

    def streamed():
        # When this process was stopped for a while, the motion goes on from where it was.
        nonlocal elapsed, last
        now = time.monotonic()
        elapsed, last = min(elapsed + min(now - last, 0.05), end), now
        position = np.clip(curve(elapsed), low, high)
        for arm in PROFILE.arms:
            inside = PROFILE.arm_slice(arm)
            robot.command(arm.name, PROFILE.to_driver(arm, position[inside]))
        time.sleep(period)
        return elapsed >= end

    robot.wait(streamed)
    robot.wait(lambda: robot.seen['success'] and robot.seen['success'][-1].data, 'success')


def test_reset_is_refused_while_commands_arrive_and_then_brings_the_arms_home(robot):
    start = robot.position('left')
    target = [0.4, *HOME[1:]]
    robot.command('left', target)
    robot.wait(lambda: robot.position('left')[0] > 0.05)

    def refusal():
        robot.command('left', target)
        answer = robot.reset()
        return '' if answer.success else answer.message

    assert 'a command arrived' in robot.wait(refusal)
    deadline = time.monotonic() + 1.0
    robot.wait(lambda: time.monotonic() > deadline)
    answer = robot.reset()
    assert answer.success, answer.message
    robot.wait(lambda: robot.position('left') == pytest.approx(start, abs=1e-3))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_quietly_when_interrupted(launch_node, client, number):
    process = launch_node('sim_robot', robot='sim')
    robot = Robot(client).ready()
    robot.wait(lambda: robot.seen[PROFILE.camera.key], 'a picture')
    assert process.end(number) == 0
    assert 'Error' not in process.output
    assert 'Exception' not in process.output


def test_a_task_that_does_not_exist_ends_it_at_once_with_the_reason(launch_node):
    process = launch_node('sim_robot', robot='sim', task='juggle')
    assert process.process.wait(PATIENCE_S) == 2
    assert "task = 'juggle': known tasks are pick_lift" in process.output


def test_a_driver_with_raw_images_and_other_joint_names_is_imitated(launch_node, client):
    profile = load_profile('agilex_ros1')
    launch_node('sim_robot', robot='agilex_ros1', wrist_cameras=False)
    robot = Robot(client, profile).ready()
    arm = profile.arms[0]
    joints, home = list(arm.driver_joints), profile.home_position[:7]
    assert robot.seen['left'][-1].name == joints
    robot.command('left', profile.to_driver(arm, [0.2, *home[1:]]), joints)
    robot.wait(lambda: robot.position('left')[0] == pytest.approx(0.2, abs=0.01))
    message = robot.wait(lambda: robot.seen[profile.camera.key], 'a picture')[-1]
    assert convert.raw_to_rgb(message).std() > 20
