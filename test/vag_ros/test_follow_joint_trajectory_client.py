"""The FollowJointTrajectory front of a running server, with a real client of that action."""

from functools import partial

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from control_msgs_package import control_msgs
from node_processes import node_launcher
from rclpy.action import ActionClient
from simulated_arms import (
    PROFILE,
    assert_commands_within_limits,
    reach,
    running_server,
    settle,
    swing,
)
from std_srvs.srv import Trigger

from vag_ros import names
from vag_ros.convert import to_time
from vag_ros.msg import ReplayState

ABORTED, CANCELED = GoalStatus.STATUS_ABORTED, GoalStatus.STATUS_CANCELED

# By ``reach``.
TURNED = ('left_joint1', 'right_joint4')


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    with control_msgs(), running_server(tmp_path_factory.mktemp('server')) as (arms, _):
        yield arms


class Controller:
    """What a client of a joint trajectory controller does."""

    def __init__(self, arms):
        from control_msgs.action import FollowJointTrajectory
        from control_msgs.msg import JointTolerance

        self.arms = arms
        self.Goal, self.Result = FollowJointTrajectory.Goal, FollowJointTrajectory.Result
        self.tolerance = lambda position, *joints: [
            JointTolerance(name=joint, position=position) for joint in joints
        ]
        self.feedback = []
        self._client = ActionClient(
            arms.client.node, FollowJointTrajectory, names.FOLLOW_JOINT_TRAJECTORY
        )
        arms.wait(self._client.server_is_ready, 'the action')

    def send(self, trajectory, **fields):
        """Send a goal and return its handle."""
        send = partial(
            self._client.send_goal_async,
            feedback_callback=lambda message: self.feedback.append(message.feedback),
        )
        handle = self.arms.client.request(send, self.Goal(trajectory=trajectory, **fields))
        assert handle.accepted
        return handle

    def start(self, trajectory, **fields):
        """Send a goal, approve its plan and return its handle."""
        handle = self.send(trajectory, **fields)
        state = self.arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
        assert self.arms.approve(state.episode_id, state.plan_id).success
        return handle

    def end(self, handle):
        """Wait for the end: (GoalStatus, result)."""
        response = self.arms.client.request(handle.get_result_async)
        return response.status, response.result


@pytest.fixture(scope='module')
def controller(server):
    controller = Controller(server)
    server.client.meet('replay_server')
    return controller


def test_a_goal_is_planned_approved_streamed_and_succeeds_with_feedback(arms, controller):
    status, result = controller.end(controller.start(swing(seconds=1.0).trajectory))
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert (result.error_code, result.error_string) == (controller.Result.SUCCESSFUL, '')
    arms.wait_for_commands(201)
    assert_commands_within_limits(arms)
    arms.wait(lambda: controller.feedback, 'feedback')
    message = controller.feedback[-1]
    assert tuple(message.joint_names) == PROFILE.joint_names
    assert len(message.desired.positions) == len(message.actual.positions) == 14


def test_the_operator_discards_a_plan_of_this_action_too(arms, controller, tmp_path):
    client = arms.client
    discard = client.node.create_client(Trigger, f'{names.OPERATOR}/discard')
    with node_launcher(client.node.context.get_domain_id(), tmp_path) as launch:
        operator = launch('operator')
        client.wait(discard.service_is_ready, what='the operator')
        client.meet('operator')
        handle = controller.send(swing().trajectory)
        arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
        client.wait(
            lambda: 'cancel plan' in client.request(discard.call_async, Trigger.Request()).message,
            what='the plan on show',
        )
        assert controller.end(handle)[0] == CANCELED
        assert operator.end() == 0


def broken(kind):
    """A trajectory that an action of this kind has its own code for."""
    trajectory = swing().trajectory
    if kind == 'INVALID_GOAL':
        trajectory.points[4].positions[9] = float('nan')
    elif kind == 'INVALID_JOINTS':
        trajectory.joint_names[3] = 'waist'
    else:
        trajectory.header.stamp = to_time(1_000_000_000)
    return trajectory


@pytest.mark.parametrize('kind', ['INVALID_GOAL', 'INVALID_JOINTS', 'OLD_HEADER_TIMESTAMP'])
def test_what_is_wrong_with_a_goal_ends_it_with_the_code_of_the_action(arms, controller, kind):
    status, result = controller.end(controller.send(broken(kind)))
    assert (status, result.error_code) == (ABORTED, getattr(controller.Result, kind))
    assert result.error_string
    settle()
    assert arms.count == 0


def test_a_reason_without_a_code_ends_as_invalid_goal_with_its_name(arms, controller):
    assert arms.call(names.DISARM).success
    status, result = controller.end(controller.send(swing().trajectory))
    assert (status, result.error_code) == (ABORTED, controller.Result.INVALID_GOAL)
    assert result.error_string.startswith('NOT_ARMED: ')


def test_the_path_tolerance_of_a_goal_is_honoured(arms, controller):
    arms.stuck = True
    tight = {'path_tolerance': controller.tolerance(0.05, *TURNED)}
    status, result = controller.end(controller.start(reach(0.3).trajectory, **tight))
    assert (status, result.error_code) == (ABORTED, controller.Result.PATH_TOLERANCE_VIOLATED)
    assert 'path_tolerance = 0.0500 rad' in result.error_string
    assert arms.wait_for_phase(ReplayState.PHASE_LATCHED).latched


@pytest.mark.parametrize('loose', [False, True])
def test_goal_tolerance_and_time_of_a_goal_are_honoured(arms, controller, loose):
    arms.stuck = True
    trajectory = reach(0.3).trajectory
    fields = {'goal_tolerance': controller.tolerance(0.4, *TURNED)} if loose else {}
    goal = controller.Goal()
    goal.goal_time_tolerance.nanosec = 100_000_000
    _, result = controller.end(
        controller.start(trajectory, goal_time_tolerance=goal.goal_time_tolerance, **fields)
    )
    expected = 'SUCCESSFUL' if loose else 'GOAL_TOLERANCE_VIOLATED'
    assert result.error_code == getattr(controller.Result, expected)
    if not loose:
        assert 'left_joint1: -0.3000 rad off at the end' in result.error_string
        assert arms.wait_for_phase(ReplayState.PHASE_IDLE).armed


def test_a_tolerance_for_an_unknown_joint_is_refused(controller):
    tolerance = controller.tolerance(0.1, 'waist')
    _, result = controller.end(controller.send(swing().trajectory, goal_tolerance=tolerance))
    assert result.error_code == controller.Result.INVALID_JOINTS
    assert 'waist' in result.error_string


def test_a_cancel_brakes_along_the_path_and_holds(arms, controller):
    handle = controller.start(swing(seconds=4.0, turn=0.3).trajectory)
    arms.wait_for_commands(250)
    arms.cancel(handle)
    status, result = controller.end(handle)
    assert status == CANCELED
    assert result.error_string.startswith('CANCELED')
    arms.wait_for_commands(arms.wait_for_phase(ReplayState.PHASE_IDLE).commands_sent)
    count = arms.count
    settle(0.2)
    assert arms.count == count < 2 * 801
    assert_commands_within_limits(arms)
    assert abs(np.array(arms.sent('left')[1])[-1, 0]) > 0.05
    assert arms.states[-1].armed
