import signal

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from node_processes import PATIENCE_S, Client, NodeProcess, reserved_domain
from sensor_msgs.msg import JointState
from simulated_arms import (
    PROFILE,
    SimulatedArms,
    assert_commands_within_limits,
    children_of,
    reach,
    running,
    running_server,
    settle,
    swing,
)

from vag_ros import names
from vag_ros.action import ReplayTrajectory
from vag_ros.msg import ReplayState

Result = ReplayTrajectory.Result


def long_swing():
    return swing(seconds=4.0, turn=0.3)


def assert_braked_midway(arms, plan_ticks=801):
    """Each arm received the same number of commands, all within limits, and came to rest early."""
    assert_commands_within_limits(arms)
    counts = [len(received) for received in arms.commands.values()]
    assert counts[0] == counts[1] < plan_ticks
    _, positions = arms.sent('left')
    assert abs(positions[-1, 0]) > 0.05


def test_an_approved_plan_is_streamed_to_both_arms_within_all_limits(arms):
    status, result = arms.end(arms.start(swing(seconds=1.0)))
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.SUCCESSFUL)
    assert_commands_within_limits(arms)
    duration = result.clamp_report.motion_duration
    expected = int(np.ceil(duration * PROFILE.command_rate_hz)) + 1
    assert result.commands_sent == expected
    arms.wait(lambda: arms.planned, 'the plan')
    for arm in PROFILE.arms:
        stamps, positions = arms.sent(arm.name)
        assert len(stamps) == expected
        planned = [point.positions for point in arms.planned[-1].points]
        np.testing.assert_array_equal(positions, np.array(planned)[:, PROFILE.arm_slice(arm)])
    assert (arms.sent('left')[0] == arms.sent('right')[0]).all()
    assert arms.reports[-1].saturated_commands == 0


def test_a_start_away_from_the_first_point_is_approached_first(arms):
    arms.place('left_joint4', 0.2)
    handle = arms.start(swing(seconds=1.0))
    arms.wait_for_phase(ReplayState.PHASE_APPROACH)
    _, result = arms.end(handle)
    assert result.error_code == Result.SUCCESSFUL
    assert result.clamp_report.approach_duration > 0.5
    assert_commands_within_limits(arms)
    assert arms.sent('left')[1][0, 3] == pytest.approx(0.2)


def test_arms_that_moved_before_the_approval_need_a_new_plan_and_approval(arms):
    handle = arms.send(swing(seconds=1.0))
    first = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    arms.place('left_joint1', 0.05)
    assert arms.approve('episode_1', first.plan_id).success
    arms.client.wait(lambda: arms.states[-1].plan_id != first.plan_id, what='a new plan')
    second = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    assert any(text.startswith('NEW PLAN: left_joint1: ') for text in second.warnings)
    settle()
    assert arms.count == 0
    assert not arms.approve('episode_1', first.plan_id).success
    assert arms.approve('episode_1', second.plan_id).success
    _, result = arms.end(handle)
    assert (result.error_code, result.plan_id) == (Result.SUCCESSFUL, second.plan_id)
    assert arms.sent('left')[1][0, 0] == pytest.approx(0.05)


def test_a_cancel_during_the_motion_brakes_along_the_path_and_holds(arms):
    handle = arms.start(long_swing())
    arms.wait_for_commands(250)
    arms.cancel(handle)
    status, result = arms.end(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_CANCELED, Result.CANCELED)
    count = arms.count
    settle(0.2)
    assert arms.count == count
    assert_braked_midway(arms)
    assert arms.states[-1].armed


def test_a_rival_that_appears_during_the_motion_stops_and_latches_it(arms):
    node, topic = arms.client.node, PROFILE.arms[0].command_topic
    handle = arms.start(long_swing())
    arms.wait_for_commands(250)
    rival = arms.client.call(node.create_publisher, JointState, topic, 1)
    _, result = arms.end(handle)
    arms.client.call(node.destroy_publisher, rival)
    assert result.error_code == Result.COMMAND_CONFLICT
    assert topic in result.error_string
    assert_braked_midway(arms)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


def test_arming_is_refused_while_the_arms_move(arms):
    handle = arms.start(long_swing())
    arms.wait_for_commands(250)
    answer = arms.call(names.ARM)
    assert (answer.success, answer.message) == (False, 'the arms are moving')
    arms.cancel(handle)
    assert arms.end(handle)[1].error_code == Result.CANCELED


def test_a_stop_during_the_motion_brakes_and_latches_until_reset_and_arm(arms):
    handle = arms.start(long_swing())
    arms.wait_for_commands(250)
    assert arms.call(names.STOP).success
    status, result = arms.end(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.STOPPED)
    assert_braked_midway(arms)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched
    assert not arms.call(names.ARM).success
    assert arms.call(names.RESET).success
    assert arms.end(arms.send(swing()))[1].error_code == Result.NOT_ARMED
    assert arms.call(names.ARM).success


def test_silent_feedback_during_the_motion_brakes_and_latches(arms):
    handle = arms.start(swing(seconds=4.0, turn=0.2))
    arms.wait_for_commands(250)
    arms.silent = True
    status, result = arms.end(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.FEEDBACK_STALE)
    assert_commands_within_limits(arms)
    assert result.commands_sent < 801
    assert 'feedback_timeout_s' in arms.wait_for_phase(ReplayState.PHASE_LATCHED).latch_reason


def test_an_arm_that_does_not_follow_brakes_and_latches(arms):
    arms.stuck = True
    status, result = arms.end(arms.start(swing(seconds=4.0, turn=0.8)))
    assert status == GoalStatus.STATUS_ABORTED
    assert result.error_code == Result.PATH_TOLERANCE_VIOLATED
    assert 'path_tolerance = 0.5000 rad' in result.error_string
    assert_commands_within_limits(arms)
    np.testing.assert_allclose(arms.sent('left')[1][-1, :6], arms.pose[:6], atol=1e-6)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


def test_a_single_message_from_elsewhere_ends_nothing(arms):
    handle = arms.start(swing(seconds=2.0))
    arms.wait_for_commands(100)
    arms.glitch = 0.6
    arms.wait(lambda: not arms.glitch, 'the message')
    _, result = arms.end(handle)
    assert result.error_code == Result.SUCCESSFUL
    assert_commands_within_limits(arms)


def test_joint_states_that_go_on_saying_elsewhere_do_not_drag_the_arms_along(arms):
    handle = arms.start(long_swing())
    arms.wait_for_commands(250)
    arms.jump = 0.6
    _, result = arms.end(handle)
    assert result.error_code == Result.PATH_TOLERANCE_VIOLATED
    assert 'held: left_joint1: +0.' in result.error_string
    assert 'off the way back; goal_tolerance' in result.error_string
    _, positions = arms.sent('left')
    rest = positions[np.flatnonzero(~np.diff(positions, axis=0).any(axis=1))[0]]
    assert np.abs(positions[-1] - rest).max() < 0.2
    assert_commands_within_limits(arms)


@pytest.mark.parametrize('fault', [{'jump': 0.6}, {'lag_s': 1.5}])
def test_feedback_that_jumps_or_lags_behind_brakes_and_latches(arms, fault):
    handle = arms.start(swing(seconds=4.0, turn=0.8))
    arms.wait_for_commands(250)
    for name, value in fault.items():
        setattr(arms, name, value)
    _, result = arms.end(handle)
    assert result.error_code == Result.PATH_TOLERANCE_VIOLATED
    assert_commands_within_limits(arms)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


def test_an_arm_that_is_pushed_off_its_target_while_it_settles_is_given_way_to(arms):
    request = reach(0.3)
    request.goal_time_tolerance.sec = 30
    arms.stuck = True
    handle = arms.start(request)
    arms.wait_for_phase(ReplayState.PHASE_SETTLING)
    arms.pose[0] = -0.3
    _, result = arms.end(handle)
    assert result.error_code == Result.PATH_TOLERANCE_VIOLATED
    assert_commands_within_limits(arms, motions=2)
    np.testing.assert_allclose(arms.sent('left')[1][-1, :6], arms.pose[:6], atol=1e-6)
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


def test_an_arm_that_does_not_arrive_in_time_ends_the_goal_without_latching(arms):
    handle = arms.start(swing(seconds=4.0, turn=0.3))
    arms.wait_for_commands(350)
    arms.stuck = True
    arms.pose[0] = 0.09
    _, result = arms.end(handle)
    assert result.error_code == Result.GOAL_TOLERANCE_VIOLATED
    assert 'left_joint1: +0.0900 rad off at the end' in result.error_string
    assert arms.wait_for_phase(ReplayState.PHASE_IDLE).armed


def test_a_driver_that_disappears_latches_and_nothing_is_armed_without_it(tmp_path):
    with running_server(tmp_path) as (arms, _):
        arms.be_ready()
        handle = arms.start(long_swing())
        arms.wait_for_commands(250)
        arms.disappear()
        result = arms.client.request(handle.get_result_async).result
        assert result.error_code == Result.FEEDBACK_STALE
        assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched
        assert arms.call(names.RESET).success
        answer = arms.wait(lambda: refused_for(arms, 'nobody listens on'), 'the end of the driver')
        assert 'joint states of arm left' in answer


def refused_for(arms, reason):
    """Why arming is refused, once this is among the reasons."""
    answer = arms.call(names.ARM)
    assert not answer.success
    return answer.message if reason in answer.message else ''


def test_ctrl_c_during_the_motion_brakes_says_stopped_and_exits_0(tmp_path):
    with running_server(tmp_path) as (arms, process):
        arms.be_ready()
        handle = arms.start(long_swing())
        pending = handle.get_result_async()
        arms.wait_for_commands(250)
        assert process.end(signal.SIGINT) == 0
        result = arms.client.result(pending).result
        assert result.error_code == Result.SHUTTING_DOWN
        arms.wait_for_commands(result.commands_sent)
        arms.wait_for_phase(ReplayState.PHASE_STOPPED)
        assert_braked_midway(arms)


IMPATIENT = """
import sys
from vag_ros import replay_server

replay_server.STOP_PATIENCE_S = 0.01
sys.exit(replay_server.main())
"""


def test_a_server_that_ends_before_the_arms_are_at_rest_says_so_by_its_exit_code(tmp_path):
    settings = {'robot': 'sim', 'dry_run': False, 'real_time_priority': 0}
    with reserved_domain() as domain:
        process = NodeProcess('replay_server', settings, domain, tmp_path, IMPATIENT)
        client = Client(domain)
        arms = SimulatedArms(client)
        try:
            arms.wait(lambda: arms.states, 'the replay server')
            client.meet('replay_server')
            arms.be_ready()
            arms.start(swing(seconds=4.0, turn=0.8))
            arms.wait_for_commands(250)
            assert process.end(signal.SIGINT) == 1
            assert 'still braking' in process.output
        finally:
            arms.close()
            client.close()
            process.end(signal.SIGKILL)


def test_ctrl_c_while_idle_says_stopped_and_leaves_no_process_behind(tmp_path):
    with running_server(tmp_path) as (arms, process):
        children = children_of(process.process.pid)
        assert children
        assert process.end(signal.SIGINT) == 0
        arms.wait_for_phase(ReplayState.PHASE_STOPPED)
        assert not [pid for pid in children if running(pid)]


def test_the_planning_process_ends_when_the_server_is_killed(tmp_path):
    with running_server(tmp_path) as (arms, process):
        children = children_of(process.process.pid)
        process.end(signal.SIGKILL)
        arms.client.wait(lambda: not any(map(running, children)), what='the end of the worker')


def test_a_dry_run_needs_no_arming_and_ends_after_the_approval_without_a_command(tmp_path):
    with running_server(tmp_path, dry_run=True) as (arms, _):
        arms.be_ready()
        assert arms.call(names.DISARM).success
        status, result = arms.end(arms.start(swing()))
        assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.DRY_RUN)
        settle()
        assert arms.count == 0


def test_the_state_comes_whatever_the_clock_of_the_node_does(tmp_path):
    with running_server(tmp_path, use_sim_time=True) as (arms, _):
        arms.wait(lambda: len(arms.states) > 5, 'states, though nobody publishes /clock')


def test_by_default_it_is_disarmed_and_dry(launch_node, client):
    launch_node('replay_server')
    states = []
    client.node.create_subscription(
        ReplayState, names.REPLAY_STATE, states.append, names.STATE_QOS
    )
    state = client.wait(lambda: states and states[-1])
    assert (state.armed, state.dry_run) == (False, True)


def test_a_simulated_robot_may_be_armed_and_approved_by_itself(tmp_path):
    with running_server(tmp_path, approval='auto', arm_on_start=True) as (arms, _):
        arms.client.wait(lambda: arms.feedback_seen, what='feedback')
        _, result = arms.end(arms.send(swing()))
        assert result.error_code == Result.SUCCESSFUL


@pytest.mark.parametrize('parameters', [{'approval': 'auto'}, {'arm_on_start': True}])
def test_a_real_robot_is_never_armed_or_approved_by_itself(launch_node, parameters):
    server = launch_node('replay_server', robot='agilex', **parameters)
    assert server.process.wait(PATIENCE_S) == 2
    (name,) = parameters
    assert f'parameter {name}' in server.output
    assert 'not simulated' in server.output
