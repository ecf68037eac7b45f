"""The replay server against a driver with status, gate and stop service, and a heartbeat."""

import os
import signal
import statistics

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import CompressedImage
from simulated_arms import (
    PROFILE,
    assert_commands_within_limits,
    reach,
    running_server,
    settle,
    swing,
)
from simulated_driver import BRAKE, COLLISION, SimulatedDriver, driver_profile, picture

from vag_core.images import encode_jpeg
from vag_ros import names
from vag_ros.action import ReplayTrajectory
from vag_ros.convert import to_ns, to_time
from vag_ros.msg import ReplayState
from vag_ros.parameters import request_to_set
from vag_ros.replay_driver import ANSWER_S

Result = ReplayTrajectory.Result


@pytest.fixture(scope='module')
def cell(tmp_path_factory):
    folder = tmp_path_factory.mktemp('cell')
    with running_server(
        folder, robot=str(driver_profile(folder)), heartbeat_timeout_s=1.0, hold_publish=0.5
    ) as (arms, process):
        driver = SimulatedDriver(arms)
        try:
            yield arms, driver, process
        finally:
            driver.close()


@pytest.fixture
def arms(cell):
    arms, driver, _ = cell
    driver.be_well()
    arms.silent = arms.stuck = False
    settle(0.1)
    arms.call(names.DISARM)
    arms.wait(lambda: not driver.gates['left'], 'a closed gate')
    assert arms.call(names.RESET).success
    answer = arms.call(names.ARM)
    if not answer.success:  # unless an earlier test has had the checklist
        settle(1.1)
        answer = arms.call(names.ARM)
    assert answer.success, answer.message
    arms.pose = PROFILE.home_position.copy()
    settle(0.7)  # a hold of an earlier test is over
    for store in (*arms.commands.values(), arms.states, arms.planned):
        store.clear()
    arms.wait(lambda: arms.states, 'a state')
    return arms


@pytest.fixture
def driver(cell, arms):
    return cell[1]


def start_long(arms, commands=250):
    handle = arms.start(swing(seconds=4.0, turn=0.3))
    arms.wait_for_commands(commands)
    return handle


def set_speed(arms, value):
    client = arms.client.node.create_client(SetParameters, names.REPLAY_PARAMETERS)
    arms.wait(client.service_is_ready, 'parameters')
    request = request_to_set('speed_scaling', value)
    (answer,) = arms.client.request(client.call_async, request).results
    return answer


def test_arming_names_the_checklist_first_and_opens_the_gate_when_it_is_confirmed(arms, driver):
    assert driver.gates == {'left': True, 'right': True}
    arms.call(names.DISARM)
    arms.wait(lambda: driver.gates == {'left': False, 'right': False}, 'closed gates')
    answer = arms.call(names.ARM)
    assert not answer.success
    assert 'the leader arms are unplugged' in answer.message
    assert not arms.call(names.ARM).success, 'too quick to have been read'


@pytest.mark.parametrize('hindrance', ['fault', 'no status', 'gate', 'heartbeat'])
def test_arming_is_refused_for_what_the_driver_or_the_client_says(arms, driver, hindrance):
    arms.call(names.DISARM)
    if hindrance == 'fault':
        driver.codes['right'], reason = BRAKE, 'data = 6 (brake not released)'
    elif hindrance == 'no status':
        driver.codes['right'], reason = None, 'right_arm/status'
    elif hindrance == 'gate':
        driver.gate_works, reason = False, 'the gate is stuck'
    else:
        driver.beating, reason = False, names.HEARTBEAT
    settle(1.3)
    answer = arms.call(names.ARM)
    if hindrance == 'gate':
        settle(1.1)
        answer = arms.call(names.ARM)
    assert not answer.success
    assert reason in answer.message


def test_a_fault_of_the_driver_during_the_motion_brakes_and_latches(arms, driver):
    handle = start_long(arms)
    driver.codes['left'] = BRAKE
    _, result = arms.end(handle)
    assert result.error_code == Result.DRIVER_FAULT
    assert 'the driver of arm left reports data = 6 (brake not released)' in result.error_string
    assert_commands_within_limits(arms)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched
    arms.wait(lambda: driver.gates == {'left': False, 'right': False}, 'closed gates')


def test_a_reported_collision_sends_the_target_back_to_where_the_arms_are(arms, driver):
    handle = start_long(arms)
    arms.stuck = True
    arms.wait_for_commands(len(arms.commands['left']) + 10)
    driver.codes['left'] = COLLISION
    _, result = arms.end(handle)
    assert result.error_code == Result.COLLISION
    assert_commands_within_limits(arms)
    np.testing.assert_allclose(arms.sent('left')[1][-1, :6], arms.pose[:6], atol=1e-6)


def test_a_collision_while_the_arms_settle_sends_the_target_back_to_where_they_are(arms, driver):
    request = reach(0.3)
    request.goal_time_tolerance.sec = 30
    arms.stuck = True
    handle = arms.start(request)
    arms.wait_for_phase(ReplayState.PHASE_SETTLING)
    driver.codes['left'] = COLLISION
    _, result = arms.end(handle)
    assert result.error_code == Result.COLLISION
    assert_commands_within_limits(arms, motions=2)
    np.testing.assert_allclose(arms.sent('left')[1][-1, :6], arms.pose[:6], atol=1e-6)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


def test_a_stop_before_the_approval_closes_the_gate_too(arms, driver):
    handle = arms.send(swing())
    arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    assert arms.call(names.STOP).success
    assert arms.end(handle)[1].error_code == Result.STOPPED
    arms.wait(lambda: driver.gates == {'left': False, 'right': False}, 'closed gates')
    assert arms.count == 0


def test_a_stop_does_not_wait_for_gates_that_hang_while_arming(arms, driver):
    arms.call(names.DISARM)
    arms.call(names.ARM)
    settle(1.1)
    driver.gate_answers = False
    arming = arms.ask(names.ARM)
    arms.wait(lambda: driver.gates == {'left': True, 'right': True}, 'requests to the gates')
    stopping = arms.ask(names.STOP)
    arms.wait(lambda: stopping.done() or arming.done(), 'an answer')
    assert stopping.done() and not arming.done()
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched
    answer = arms.client.result(arming)
    assert not answer.success
    assert 'left_arm/gate: no answer in 2 s' in answer.message


def test_a_stop_during_a_motion_does_not_wait_for_gates_that_hang(arms, driver):
    handle = start_long(arms)
    driver.gate_answers = False
    assert arms.call(names.STOP).success
    _, result = arms.end(handle)
    assert result.error_code == Result.STOPPED
    assert_commands_within_limits(arms)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched
    begin, end = (
        next(to_ns(state.header.stamp) for state in arms.states if state.phase == phase)
        for phase in (ReplayState.PHASE_DECELERATING, ReplayState.PHASE_LATCHED)
    )
    assert end - begin < ANSWER_S * 1e9, 'the gates were waited for'
    arms.wait(lambda: driver.gates == {'left': False, 'right': False}, 'requests to the gates')


def test_a_lost_client_brakes_and_latches(arms, driver):
    handle = start_long(arms)
    driver.beating = False
    _, result = arms.end(handle)
    assert result.error_code == Result.CLIENT_LOST
    assert 'heartbeat_timeout_s = 1.000 s' in result.error_string
    assert_commands_within_limits(arms)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


def test_a_server_that_was_suspended_sends_nothing_more_and_has_the_driver_hold(arms, cell):
    driver, process = cell[1:]
    handle = start_long(arms)
    os.kill(process.process.pid, signal.SIGSTOP)
    settle(1.5)
    count = arms.count
    os.kill(process.process.pid, signal.SIGCONT)
    _, result = arms.end(handle)
    assert result.error_code in (Result.COMMAND_LATE, Result.FEEDBACK_STALE, Result.CLIENT_LOST)
    settle(0.2)
    assert arms.count <= count + 2 * len(PROFILE.arms)
    assert_commands_within_limits(arms, at_rest=False)
    if result.error_code == Result.COMMAND_LATE:
        arms.wait(lambda: driver.holds == 2, 'the stop service of both arms')


def test_the_last_target_is_repeated_for_a_while_after_the_motion(arms):
    _, result = arms.end(arms.start(swing(seconds=1.0)))
    arms.wait_for_commands(result.commands_sent + 10)
    positions = arms.sent('left')[1]
    assert (positions[result.commands_sent :] == positions[result.commands_sent - 1]).all()
    settle(1.0)
    count = arms.count
    settle(0.3)
    assert arms.count == count


def test_the_speed_can_be_changed_and_paused_during_the_motion_without_a_jump(arms):
    handle = start_long(arms, 200)
    assert set_speed(arms, 0.0).successful
    arms.wait(lambda: arms.states[-1].speed_scaling == 0.0, 'a pause')
    paused = arms.states[-1]
    arms.wait(lambda: arms.states[-1].time_from_start > paused.time_from_start + 0.5, 'time')
    state = arms.states[-1]
    assert state.phase == ReplayState.PHASE_EXECUTING
    assert state.request_time == pytest.approx(paused.request_time, abs=1e-6)
    assert set_speed(arms, 0.5).successful
    arms.wait(lambda: arms.states[-1].speed_scaling == pytest.approx(0.5), 'half speed')
    assert set_speed(arms, 1.0).successful
    _, result = arms.end(handle)
    assert result.error_code == Result.SUCCESSFUL
    assert_commands_within_limits(arms)
    assert result.commands_sent > 900
    arms.wait(lambda: arms.states[-1].request_time == pytest.approx(4.0, abs=0.01), 'the end')


@pytest.mark.parametrize('value', [-0.1, 1.5, float('nan'), 'fast'])
def test_a_speed_outside_0_to_1_is_refused(cell, value):
    answer = set_speed(cell[0], value)
    assert not answer.successful
    assert answer.reason


@pytest.mark.parametrize(('age', 'reason'), [(301.0, 'max_image_age'), (-60.0, 'in the future')])
def test_a_trajectory_from_an_old_or_future_image_is_refused(arms, age, reason):
    request = swing()
    now = arms.client.node.get_clock().now().nanoseconds
    request.conditioning_stamp = to_time(now - round(age * 1e9))
    _, result = arms.end(arms.send(request))
    assert result.error_code == Result.STALE_IMAGE
    assert reason in result.error_string
    assert arms.count == 0


def test_a_changed_scene_and_a_moved_arm_are_flagged_before_and_at_the_approval(arms):
    camera = arms.client.node.create_publisher(CompressedImage, PROFILE.camera.topic, 1)
    before = CompressedImage(format='jpeg', data=encode_jpeg(picture((300, 300))))
    after = CompressedImage(format='jpeg', data=encode_jpeg(picture((380, 300))))
    settle(0.5)
    request = swing()
    now = arms.client.node.get_clock().now().nanoseconds
    request.conditioning_stamp, request.conditioning_image = to_time(now), before
    settle(0.3)

    def seen(image, count):
        camera.publish(image)
        state = arms.states[-1]
        return state.phase == ReplayState.PHASE_AWAITING_APPROVAL and len(state.warnings) == count

    camera.publish(before)
    settle(0.3)
    handle = arms.send(request)
    arms.wait(lambda: seen(before, 0), 'an unchanged scene')
    arms.wait(lambda: seen(after, 1), 'a changed scene')
    arms.pose[2] -= 0.2
    arms.wait(lambda: seen(after, 2), 'a moved arm')
    moved, scene = arms.states[-1].warnings
    assert 'left_joint3: -0.2000 rad off its place' in moved
    assert 'has changed by' in scene
    answer = arms.approve('episode_1', arms.states[-1].plan_id)
    assert answer.warnings == [moved, scene]
    # A camera that has fallen silent shows no scene of now.
    arms.wait(lambda: 'no image has come' in arms.states[-1].warnings[-1], 'the silent camera')
    arms.cancel(handle)
    arms.end(handle)
    arms.client.call(arms.client.node.destroy_publisher, camera)


def test_diagnostics_come_at_1_hz_with_phase_rate_and_lateness(arms):
    heard = []
    node = arms.client.node
    subscription = node.create_subscription(
        DiagnosticArray, names.DIAGNOSTICS, heard.append, names.STATE_QOS
    )
    _, result = arms.end(arms.start(swing(seconds=1.0)))
    heard.clear()
    arms.wait(lambda: len(heard) >= 4, 'diagnostics')
    stamps = [to_ns(message.header.stamp) for message in heard]
    assert statistics.median(np.diff(stamps)) / 1e9 == pytest.approx(1.0, abs=0.3)
    replay, robot = heard[-1].status
    values = {item.key: item.value for item in replay.values}
    assert replay.name == 'replay_server: replay'
    planned = (result.commands_sent - 1) / 200
    rate = 200 * planned / (planned + result.delay)
    assert float(values['command_rate_hz']) == pytest.approx(rate, rel=0.05)
    assert (values['phase'], values['armed'], values['latch_reason']) == ('IDLE', 'True', '')
    assert (values['episode_id'], values['plan_id']) == ('episode_1', result.plan_id)
    assert int(values['commands_sent']) == result.commands_sent
    assert int(values['late_ticks']) == result.late_ticks
    assert float(values['max_lateness_ms']) == pytest.approx(result.max_lateness * 1e3, abs=0.01)
    assert float(values['delay_ms']) == pytest.approx(result.delay * 1e3, abs=0.01)
    assert values['real_time_priority'] == 'not asked for'
    ages = {item.key: float(item.value) for item in robot.values}
    assert ages.keys() == {'left_feedback_age_ms', 'right_feedback_age_ms'}
    assert all(0 <= age < 1e3 * PROFILE.safety.feedback_timeout_s for age in ages.values())
    assert robot.message == 'heard'
    arms.client.call(node.destroy_subscription, subscription)
