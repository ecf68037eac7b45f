"""The checklist of a replay server that a lab can trust, item by item.

CHECKLIST names the test of each item against the running node; those that belong to none of the
other files stand here.
"""

import re
import statistics
from pathlib import Path

import numpy as np
import pytest
from node_processes import Client, NodeProcess, reserved_domain
from simulated_arms import (
    PROFILE,
    SimulatedArms,
    assert_commands_within_limits,
    goal,
    swing,
)

from vag_ros import convert
from vag_ros.action import ReplayTrajectory
from vag_ros.msg import ReplayState

Result = ReplayTrajectory.Result
HERE = Path(__file__).parent
TIMES = np.arange(31) * 0.1

CHECKLIST = {
    1: 'test_replay_server: test_a_goal_with_a_repeated_or_unknown_joint_is_refused',
    2: 'test_replay_server: test_a_goal_with_a_nan_is_refused',
    3: 'test_replay_server: test_a_goal_with_times_out_of_order_is_refused',
    4: 'test_replay_checklist: test_a_position_just_outside_a_limit_is_clamped_and_counted',
    5: 'test_replay_checklist: test_a_gripper_in_another_unit_is_refused',
    6: 'test_replay_checklist: test_a_goal_that_is_too_fast_is_slowed_as_a_whole',
    7: 'test_replay_motion: test_a_start_away_from_the_first_point_is_approached_first',
    8: 'test_replay_driver: test_a_trajectory_from_an_old_or_future_image_is_refused',
    9: 'test_replay_server: test_a_goal_that_brings_the_arms_together_is_refused',
    10: 'test_replay_checklist: test_a_goal_that_goes_through_the_table_is_refused',
    11: 'test_replay_driver: test_arming_is_refused_for_what_the_driver_or_the_client_says',
    12: 'test_replay_driver: '
    'test_a_server_that_was_suspended_sends_nothing_more_and_has_the_driver_hold',
    13: 'test_replay_motion: test_an_arm_that_does_not_follow_brakes_and_latches',
    14: 'test_replay_motion: test_silent_feedback_during_the_motion_brakes_and_latches',
    15: 'test_replay_driver: test_a_fault_of_the_driver_during_the_motion_brakes_and_latches',
    16: 'test_replay_driver: test_a_lost_client_brakes_and_latches',
    17: 'test_replay_checklist: test_a_planner_gone_wrong_is_stopped_by_the_last_stage',
    18: 'test_replay_motion: test_a_cancel_during_the_motion_brakes_along_the_path_and_holds',
    19: 'test_replay_server: test_a_second_goal_is_refused_and_the_first_lives_on',
    20: 'test_replay_motion: test_a_stop_during_the_motion_brakes_and_latches_until_reset_and_arm',
    21: 'test_replay_motion: test_ctrl_c_during_the_motion_brakes_says_stopped_and_exits_0',
    22: 'test_replay_motion: '
    'test_an_arm_that_does_not_arrive_in_time_ends_the_goal_without_latching',
    23: 'test_replay_motion: '
    'test_a_dry_run_needs_no_arming_and_ends_after_the_approval_without_a_command',
    24: 'test_replay_checklist: test_the_state_comes_at_10_to_20_hz_with_what_a_person_asks_for',
    25: 'test_recorder: test_custom_data_tell_what_was_generated_and_how_it_was_replayed',
    26: 'test_replay_driver: test_diagnostics_come_at_1_hz_with_phase_rate_and_lateness',
    27: 'test_replay_driver: '
    'test_the_speed_can_be_changed_and_paused_during_the_motion_without_a_jump',
    28: 'test_replay_checklist: test_the_docs_say_that_this_is_no_safety_rated_function',
}


def home():
    return np.tile(PROFILE.home_position, (len(TIMES), 1))


def ramp_to(**targets):
    """A goal from home to these joint positions."""
    positions = home()
    for joint, target in targets.items():
        column = PROFILE.joint_names.index(joint)
        positions[:, column] = np.linspace(positions[0, column], target, len(TIMES))
    return goal(PROFILE.joint_names, positions, 2 * TIMES)


@pytest.mark.parametrize('item', range(1, 29))
def test_every_item_of_the_checklist_has_its_test(item):
    module, name = CHECKLIST[item].split(': ')
    assert re.search(rf'^def {name}\(', (HERE / f'{module}.py').read_text(), re.MULTILINE)


def test_a_position_just_outside_a_limit_is_clamped_and_counted(arms):
    limit = PROFILE.upper[4]
    handle = arms.start(ramp_to(left_joint5=limit + 0.03))
    _, result = arms.end(handle)
    assert result.error_code == Result.SUCCESSFUL
    assert result.clamp_report.position_clamps[4] > 0
    assert result.clamp_report.largest_position_clamp[4] == pytest.approx(0.03)
    assert arms.sent('left')[1][-1, 4] == pytest.approx(limit)
    assert_commands_within_limits(arms)


def test_a_gripper_in_another_unit_is_refused(arms):
    _, result = arms.end(arms.send(ramp_to(right_gripper=0.9)))
    assert result.error_code == Result.POSITION_LIMIT_VIOLATED
    assert 'right_gripper at point' in result.error_string
    assert 'limit 0.07 m' in result.error_string
    assert arms.count == 0


def test_a_goal_that_is_too_fast_is_slowed_as_a_whole(arms):
    request = swing(seconds=0.8, turn=0.3)
    _, result = arms.end(arms.start(request))
    report = result.clamp_report
    assert result.error_code == Result.SUCCESSFUL
    assert report.time_scale > 1.1
    assert report.motion_duration == pytest.approx(0.8 * report.time_scale)
    assert report.requested_peak_velocity[0] > report.planned_peak_velocity[0]
    assert_commands_within_limits(arms)


def test_a_goal_that_goes_through_the_table_is_refused(arms):
    request = ramp_to(left_joint2=2.0, left_joint3=-0.5)
    _, result = arms.end(arms.send(request))
    assert result.error_code == Result.CLEARANCE_VIOLATED
    assert re.search(r'left_finger\d and table', result.error_string)
    assert arms.count == 0


def test_the_state_comes_at_10_to_20_hz_with_what_a_person_asks_for(arms):
    handle = arms.start(swing(seconds=3.0))
    arms.wait_for_phase(ReplayState.PHASE_EXECUTING)
    first = len(arms.states)
    arms.wait(lambda: len(arms.states) >= first + 20, 'states')
    stamps = [convert.to_ns(state.header.stamp) for state in arms.states[first:]]
    assert 9 <= 1e9 / statistics.median(np.diff(stamps)) <= 21
    state = arms.states[-1]
    desired, actual = np.array(state.desired.positions), np.array(state.actual.positions)
    np.testing.assert_allclose(np.array(state.error.positions), desired - actual, atol=1e-12)
    assert (state.phase_name, state.latch_reason) == ('EXECUTING', '')
    assert (state.time_scale, state.speed_scaling) == (1.0, 1.0)
    assert state.plan_id
    arms.cancel(handle)
    arms.end(handle)


SABOTAGED = """
import dataclasses, sys
from vag_ros import replay_server
from vag_ros.replay_planner import Planner

honest = Planner.plan

def plan(self, request, measured):
    answer = honest(self, request, measured)
    positions = answer.positions.copy()
    positions[150:, 2] -= 0.2
    return dataclasses.replace(answer, positions=positions)

Planner.plan = plan
sys.exit(replay_server.main())
"""


def test_a_planner_gone_wrong_is_stopped_by_the_last_stage(tmp_path):
    settings = {'robot': 'sim', 'dry_run': False, 'real_time_priority': 0}
    with reserved_domain() as domain:
        process = NodeProcess('replay_server', settings, domain, tmp_path, SABOTAGED)
        client = Client(domain)
        arms = SimulatedArms(client)
        try:
            arms.wait(lambda: arms.states, 'the replay server')
            client.meet('replay_server')
            arms.be_ready()
            _, result = arms.end(arms.start(swing(seconds=2.0)))
            assert result.error_code == Result.SOFTWARE_FAULT
            assert 'left_joint3: a command beyond its limits' in result.error_string
            assert result.clamp_report.saturated_commands > 0
            assert_commands_within_limits(arms)
            assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched
        finally:
            arms.close()
            client.close()
            assert process.end() == 0


def test_the_docs_say_that_this_is_no_safety_rated_function():
    text = (HERE.parents[1] / 'docs/robot.md').read_text()
    assert 'not a safety-rated function' in text
    assert 'hardware emergency stop' in text
