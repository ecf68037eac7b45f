"""The FollowJointTrajectory front: its logic with stand-ins for the messages of control_msgs."""

import importlib.util
from types import SimpleNamespace as Message

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from simulated_arms import running_server
from trajectory_msgs.msg import JointTrajectory

from vag_core.robot import load_profile
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_ros.follow_joint_trajectory import FollowFront

PROFILE = load_profile('sim')
LIMIT = PROFILE.safety.path_tolerance
HERE = importlib.util.find_spec('control_msgs') is not None


@pytest.fixture
def front():
    return FollowFront(Message(Result=Message, Feedback=Message), 'follow', PROFILE)


def goal(**changes):
    fields = {
        'trajectory': JointTrajectory(joint_names=list(PROFILE.joint_names)),
        'multi_dof_trajectory': Message(points=[]),
        'path_tolerance': [],
        'goal_tolerance': [],
        'goal_time_tolerance': Duration(),
    }
    return Message(**{**fields, **changes})


def tolerance(position, name='left_joint2', velocity=0.0, acceleration=0.0):
    return [Message(name=name, position=position, velocity=velocity, acceleration=acceleration)]


def test_without_tolerances_those_of_the_profile_hold(front):
    request = front.request(goal())
    np.testing.assert_array_equal(request.path_tolerance, PROFILE.tolerance('path_tolerance'))
    np.testing.assert_array_equal(request.goal_tolerance, PROFILE.tolerance('goal_tolerance'))
    assert request.goal_time_s is None


@pytest.mark.parametrize(
    ('asked', 'path', 'end'),
    [(0.0, LIMIT, 0.05), (0.01, 0.01, 0.01), (0.9, LIMIT, 0.9), (-1.0, LIMIT, np.inf)],
)
def test_tolerances_are_honoured_but_none_along_the_path_beyond_the_profile(
    front, asked, path, end
):
    request = front.request(goal(path_tolerance=tolerance(asked), goal_tolerance=tolerance(asked)))
    assert (request.path_tolerance[1], request.goal_tolerance[1]) == (path, end)
    assert request.path_tolerance[2] == LIMIT


def test_a_time_to_arrive_is_honoured(front):
    asked = Duration(sec=1, nanosec=500_000_000)
    assert front.request(goal(goal_time_tolerance=asked)).goal_time_s == 1.5


@pytest.mark.parametrize(
    ('changes', 'code'),
    [
        ({'path_tolerance': tolerance(0.1, 'waist')}, ErrorCode.INVALID_JOINTS),
        ({'goal_tolerance': tolerance(-0.5)}, ErrorCode.INVALID_GOAL),
        ({'goal_tolerance': tolerance(float('nan'))}, ErrorCode.INVALID_GOAL),
        ({'path_tolerance': tolerance(0.1, velocity=0.5)}, ErrorCode.INVALID_GOAL),
        ({'goal_tolerance': tolerance(0.1, acceleration=float('nan'))}, ErrorCode.INVALID_GOAL),
        ({'goal_time_tolerance': Duration(sec=-1)}, ErrorCode.INVALID_GOAL),
        ({'multi_dof_trajectory': Message(points=[1])}, ErrorCode.INVALID_GOAL),
    ],
)
def test_what_can_not_be_served_is_refused(front, changes, code):
    assert front.request(goal(**changes)).code is code


def test_codes_that_the_action_shares_are_its_own_and_others_carry_their_name(front):
    result = front.result(Refusal(ErrorCode.PATH_TOLERANCE_VIOLATED, 'off'), None, None)
    assert (result.error_code, result.error_string) == (-4, 'off')
    result = front.result(Refusal(ErrorCode.CLEARANCE_VIOLATED, 'near'), None, None)
    assert (result.error_code, result.error_string) == (-1, 'CLEARANCE_VIOLATED: near')


@pytest.mark.skipif(HERE, reason='control_msgs is installed here, so the front is offered')
def test_without_control_msgs_the_server_says_once_that_it_offers_no_such_action(tmp_path):
    with running_server(tmp_path) as (_, process):
        assert process.output.count('control_msgs is not installed') == 1
