import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from sensor_msgs.msg import JointState
from simulated_arms import PROFILE, goal, settle, swing

from vag_core.safety.outcome import ErrorCode
from vag_ros import names
from vag_ros.action import ReplayTrajectory
from vag_ros.convert import to_time
from vag_ros.msg import ReplayState

TIMES = np.arange(11) * 0.1


def home(points=11):
    return np.tile(PROFILE.home_position, (points, 1))


def refused(arms, request):
    """Send a goal that must be refused: ABORTED, its reason in the state, and no command."""
    status, result = arms.end(arms.send(request))
    assert status == GoalStatus.STATUS_ABORTED
    arms.client.wait(
        lambda: arms.states[-1].last_error_string == result.error_string, what='the reason'
    )
    assert arms.states[-1].last_error_code == result.error_code
    settle()
    assert arms.count == 0
    return result


def test_the_result_codes_are_those_of_the_core():
    codes = {name: getattr(ReplayTrajectory.Result, name) for name in ErrorCode.__members__}
    assert codes == {code.name: code.value for code in ErrorCode}


def test_a_goal_with_a_nan_is_refused(arms):
    positions = home()
    positions[4, 9] = float('nan')
    result = refused(arms, goal(PROFILE.joint_names, positions, TIMES))
    assert result.error_code == ReplayTrajectory.Result.INVALID_GOAL
    assert result.error_string == 'right_joint3 at point 4: position nan is not finite'


def test_a_goal_with_13_joints_is_refused(arms):
    result = refused(arms, goal(PROFILE.joint_names[:13], home()[:, :13], TIMES))
    assert result.error_code == ReplayTrajectory.Result.INVALID_JOINTS
    assert "'right_gripper' (index 13) is missing" in result.error_string
    assert '13 joints, robot sim has 14' in result.error_string


@pytest.mark.parametrize('name', ['left_joint1', 'waist'])
def test_a_goal_with_a_repeated_or_unknown_joint_is_refused(arms, name):
    joints = [*PROFILE.joint_names[:8], name, *PROFILE.joint_names[9:]]
    result = refused(arms, goal(joints, home(), TIMES))
    assert result.error_code == ReplayTrajectory.Result.INVALID_JOINTS
    assert f'{name!r} at index 8' in result.error_string


def test_a_goal_whose_names_are_on_the_wrong_values_is_refused_by_the_values(arms):
    swapped = [*PROFILE.joint_names]
    swapped[1], swapped[2] = swapped[2], swapped[1]
    result = refused(arms, goal(swapped, home(), TIMES))
    assert result.error_code == ReplayTrajectory.Result.POSITION_LIMIT_VIOLATED
    assert 'left_joint2 at point 0: position -0.36 rad' in result.error_string


def test_a_goal_whose_arms_are_swapped_is_refused_by_its_start(arms):
    positions = home()
    positions[:, 0] = 0.9
    arms.place('left_joint1', 0.9)
    exchanged = [*PROFILE.joint_names[7:], *PROFILE.joint_names[:7]]
    result = refused(arms, goal(exchanged, positions, TIMES))
    assert result.error_code == ReplayTrajectory.Result.START_STATE_VIOLATED
    assert 'left_joint1 at point 0' in result.error_string


def test_a_goal_with_times_out_of_order_is_refused(arms):
    times = TIMES.copy()
    times[6] = 0.45
    result = refused(arms, goal(PROFILE.joint_names, home(), times))
    assert result.error_code == ReplayTrajectory.Result.INVALID_GOAL
    assert 'time 0.45 s of point 6' in result.error_string
    assert '0.5 s of point 5' in result.error_string


def test_a_goal_half_a_radian_outside_a_limit_is_refused(arms):
    positions = home()
    positions[3:, 11] = PROFILE.upper[11] + 0.5
    result = refused(arms, goal(PROFILE.joint_names, positions, TIMES))
    assert result.error_code == ReplayTrajectory.Result.POSITION_LIMIT_VIOLATED
    assert 'right_joint5 at point 3: position 1.7 rad' in result.error_string
    assert 'limit 1.2 rad' in result.error_string


def test_a_goal_that_starts_one_radian_away_is_refused(arms):
    positions = home()
    positions[:, 0] += 1.0
    result = refused(arms, goal(PROFILE.joint_names, positions, TIMES))
    assert result.error_code == ReplayTrajectory.Result.START_STATE_VIOLATED
    assert 'left_joint1 at point 0: 1 rad is 1 rad away' in result.error_string
    assert 'at most 0.5 rad' in result.error_string


def test_a_goal_that_would_have_to_run_too_slowly_is_refused(arms):
    positions = home()
    positions[5:, 7] += 1.2
    result = refused(arms, goal(PROFILE.joint_names, positions, TIMES))
    assert result.error_code == ReplayTrajectory.Result.TIME_SCALE_EXCEEDED
    assert 'right_joint1 between points 4 and 5' in result.error_string


def test_a_goal_that_brings_the_arms_together_is_refused(arms):
    times = np.arange(61) * 0.1
    reach = np.array([0.0, 1.7, -1.2, 0.0, 0.0, 0.0, 0.05])
    ramp = np.linspace(0, 1, 61)[:, None]
    positions = PROFILE.home_position + ramp * (np.tile(reach, 2) - PROFILE.home_position)
    positions[:, 0], positions[:, 7] = -1.2 * ramp[:, 0], 1.2 * ramp[:, 0]
    result = refused(arms, goal(PROFILE.joint_names, positions, times))
    assert result.error_code == ReplayTrajectory.Result.CLEARANCE_VIOLATED
    assert 'm are required' in result.error_string


def test_a_goal_whose_stamp_is_over_is_refused(arms):
    request = swing()
    request.trajectory.header.stamp = to_time(1_000_000_000)
    result = refused(arms, request)
    assert result.error_code == ReplayTrajectory.Result.OLD_HEADER_TIMESTAMP


def test_a_goal_is_refused_while_disarmed(arms):
    assert arms.call(names.DISARM).success
    result = refused(arms, swing())
    assert result.error_code == ReplayTrajectory.Result.NOT_ARMED


def test_a_goal_is_refused_while_latched(arms):
    assert arms.call(names.STOP).success
    result = refused(arms, swing())
    assert result.error_code == ReplayTrajectory.Result.LATCHED
    assert arms.states[-1].latch_reason in result.error_string


def test_a_goal_is_refused_while_the_feedback_is_silent(arms):
    arms.silent = True
    settle(1.2)
    result = refused(arms, swing())
    assert result.error_code == ReplayTrajectory.Result.FEEDBACK_STALE
    assert 'feedback_timeout_s = 1.000 s' in result.error_string


def test_arming_is_refused_without_feedback(arms):
    arms.call(names.DISARM)
    arms.silent = True
    settle(1.2)
    answer = arms.call(names.ARM)
    assert not answer.success
    assert 'left_arm/feedback/joint_states' in answer.message


@pytest.fixture(params=['command', 'feedback'])
def rival(request, arms):
    """A topic of the right arm that another node publishes too."""
    topic = getattr(PROFILE.arms[1], f'{request.param}_topic')
    publisher = arms.client.node.create_publisher(JointState, topic, 1)
    arms.client.wait(lambda: arms.client.node.count_publishers(topic) == 2, what='the rival')
    arms.client.meet('replay_server')
    yield topic
    arms.client.call(arms.client.node.destroy_publisher, publisher)
    arms.client.wait(lambda: arms.client.node.count_publishers(topic) == 1, what='its end')
    arms.client.meet('replay_server')


def test_nothing_moves_while_another_node_commands_or_imitates_an_arm(arms, rival):
    handle = arms.send(swing())
    state = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    arms.approve(state.episode_id, state.plan_id)
    result = arms.end(handle)[1]
    assert result.error_code == ReplayTrajectory.Result.COMMAND_CONFLICT
    assert rival in result.error_string
    assert arms.count == 0


def test_arming_is_refused_while_another_node_commands_or_imitates_an_arm(arms, rival):
    arms.call(names.DISARM)
    answer = arms.call(names.ARM)
    assert not answer.success
    assert rival in answer.message


def test_a_second_goal_is_refused_and_the_first_lives_on(arms):
    handle = arms.send(swing())
    state = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    result = refused(arms, swing())
    assert result.error_code == ReplayTrajectory.Result.BUSY
    assert state.plan_id in result.error_string
    assert arms.states[-1].plan_id == state.plan_id
    arms.cancel(handle)
    assert arms.end(handle)[1].error_code == ReplayTrajectory.Result.CANCELED


def test_names_in_another_order_are_planned_in_the_robots_order(arms):
    request = swing()
    order = np.random.default_rng(3).permutation(14)
    positions = np.array([point.positions for point in request.trajectory.points])
    handle = arms.send(goal([PROFILE.joint_names[i] for i in order], positions[:, order], TIMES))
    arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    (planned,) = arms.client.wait(lambda: arms.planned)
    assert tuple(planned.joint_names) == PROFILE.joint_names
    np.testing.assert_allclose(planned.points[-1].positions, positions[-1])
    arms.cancel(handle)
    assert arms.end(handle)[0] == GoalStatus.STATUS_CANCELED
    assert arms.count == 0


@pytest.mark.parametrize(('episode', 'plan'), [('episode_1', 'other'), ('other', None)])
def test_the_approval_of_another_plan_moves_nothing(arms, episode, plan):
    handle = arms.send(swing())
    state = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    answer = arms.approve(episode, plan or state.plan_id)
    assert not answer.success
    assert state.plan_id in answer.message
    settle(0.2)
    assert arms.states[-1].phase == ReplayState.PHASE_AWAITING_APPROVAL
    arms.cancel(handle)
    arms.end(handle)
    assert arms.count == 0


def test_a_plan_is_shown_by_ghost_trajectory_and_report_before_it_is_approved(arms):
    handle = arms.send(swing())
    state = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    arms.wait(lambda: len(arms.ghost) >= 20, 'the ghost')
    poses = np.array([message.position for message in arms.ghost])
    assert tuple(arms.ghost[0].name) == PROFILE.joint_names
    assert np.ptp(poses[:, 0]) > 0.1
    arms.wait(lambda: arms.reports and arms.planned, 'the plan')
    (report,) = arms.reports
    assert (report.episode_id, report.plan_id) == ('episode_1', state.plan_id)
    assert report.clearance_checked
    assert len(arms.planned[0].points) == int(np.ceil(report.motion_duration * 200)) + 1
    arms.cancel(handle)
    arms.end(handle)
    assert arms.count == 0
