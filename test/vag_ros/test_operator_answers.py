"""What the operator tells of its own requests, with servers that answer as the test wants."""

import itertools

import pytest
from action_msgs.msg import GoalInfo
from action_msgs.srv import CancelGoal
from node_processes import Client, node_launcher, reserved_domain
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionServer
from rclpy.task import Future
from rviz_client import RvizClient
from simulated_arms import settle
from std_msgs.msg import String
from std_srvs.srv import Trigger
from test_operator import an_episode

from vag_core.panel import SETTLE_S
from vag_ros import msg, names
from vag_ros.action import GenerateEpisode
from vag_ros.operator_stop import REPEAT_S
from vag_ros.srv import Approve

NUMBERS = itertools.count(1000)


class Peer:
    """A replay server in name, with a plan on show.

    Attributes:
        state: what it publishes.
        asked: requests to its services: (name, request).
        answers: what each service answers, by its name.
    """

    def __init__(self, client):
        self._client, self._node = client, client.node
        self._offered = []
        self._reports, self._states, self._episodes = (
            client.node.create_publisher(kind, topic, qos)
            for kind, topic, qos in (
                (msg.ClampReport, names.CLAMP_REPORT, names.LATCHED_QOS),
                (msg.ReplayState, names.REPLAY_STATE, names.STATE_QOS),
                (msg.Episode, names.EPISODE, names.LATCHED_QOS),
            )
        )
        self._episodes.publish(an_episode('shown'))
        self.begin('')
        client.node.create_timer(0.05, lambda: self._states.publish(self.state))

    def begin(self, plan_id):
        """Forget what was asked and offered before, and show a plan."""
        for service in self._offered:
            self._client.call(self._node.destroy_service, service)
        self._offered, self.asked, self.answers = [], [], {}
        self.state = msg.ReplayState(
            phase_name='AWAITING_APPROVAL', armed=True, episode_id='shown'
        )
        self.show_plan(plan_id)

    def show_plan(self, plan_id, warnings=()):
        self._reports.publish(msg.ClampReport(plan_id=plan_id, time_scale=1.0))
        self.state.plan_id, self.state.warnings = plan_id, list(warnings)

    def offer(self, kind, name, answer):
        """Offer a service, and wait until the operator can hear its answer."""
        self.answers[name] = answer

        def serve(request, _):
            self.asked.append((name, request))
            return self.answers[name]

        self._offered.append(self._client.call(self._node.create_service, kind, name, serve))
        self._client.meet('operator')


@pytest.fixture(scope='module')
def stage(tmp_path_factory):
    with (
        reserved_domain() as domain,
        node_launcher(domain, tmp_path_factory.mktemp('s')) as launch,
    ):
        launch('operator')
        client = Client(domain)
        yield client, Peer(client), RvizClient(client)
        client.close()


@pytest.fixture
def session(stage):
    """(client, peer, rviz) with a new plan on show."""
    client, peer, rviz = stage
    plan = f'p{next(NUMBERS)}'
    peer.begin(plan)
    client.wait(
        lambda: rviz.button('approve').control_name == f'approve:{plan}', what='the plan on show'
    )
    return client, peer, rviz


def test_a_stop_that_nobody_hears_says_so_and_is_called_until_it_is_answered(session):
    client, peer, rviz = session
    rviz.click('stop')
    rviz.wait_for_text('> vag/stop is not there')
    rviz.wait_for_text('vag/stop: NO ANSWER for')
    peer.offer(Trigger, names.STOP, Trigger.Response(success=True, message='latched'))
    rviz.wait_for_text('> vag/stop done: latched')
    client.wait(lambda: not any('NO ANSWER' in line for line in rviz.text), what='no alarm')
    calls = len(peer.asked)
    settle(2 * REPEAT_S)
    assert len(peer.asked) == calls


@pytest.mark.parametrize(('act', 'name'), [('disarm', names.DISARM), ('replay', names.APPROVE)])
def test_what_nobody_was_asked_is_not_told_as_done(session, act, name):
    *_, rviz = session
    if act == 'replay':
        rviz.click('approve')
    rviz.click(act)
    rviz.wait_for_text(f'> {name} is not there')


def test_arms_that_move_become_faster_by_a_second_choice_only_and_slower_at_once(session):
    client, peer, rviz = session
    done = SetParameters.Response(results=[SetParametersResult(successful=True)])
    peer.offer(SetParameters, names.REPLAY_PARAMETERS, done)
    peer.state.phase_name, peer.state.speed_scaling_wanted = 'EXECUTING', 0.5

    def shares():
        return [request.parameters[0].value.double_value for _, request in peer.asked]

    rviz.wait_for_text('ARMS MOVE')
    rviz.choose('100 %')
    rviz.wait_for_text('choose it once more')
    rviz.choose('25 %')
    client.wait(lambda: shares() == [0.25], what='slower')
    rviz.wait_for_text('chosen: speed: 25 %')
    rviz.choose('100 %')
    rviz.wait_for_text('choose it once more')
    settle(1.1 * SETTLE_S)
    assert shares() == [0.25]
    rviz.choose('100 %')
    client.wait(lambda: shares() == [0.25, 1.0], what='faster')


def test_an_approval_ends_with_a_new_warning_and_those_of_the_replay_are_told(session):
    client, peer, rviz = session
    warning = 'the scene has changed by 90 grey levels'
    answer = Approve.Response(success=True, warnings=[warning])
    peer.offer(Approve, names.APPROVE, answer)
    rviz.click('approve')
    rviz.button('replay')
    peer.state.warnings = [warning]
    rviz.wait_for_text('> the approval is void')
    client.wait(lambda: 'replay' not in rviz.buttons, what='no replay')
    rviz.click('approve')
    rviz.click('replay')
    rviz.wait_for_text('> the replay began; WARNING: the scene has changed')


def test_a_plan_that_takes_the_place_of_another_tells_why(session):
    _, peer, rviz = session
    rviz.wait_for_text(f'plan ...{peer.state.plan_id[-4:]}')
    peer.show_plan('another one', ['NEW PLAN: left_joint1: 0.05 rad off its place'])
    rviz.wait_for_text('> NEW PLAN: left_joint1')
    rviz.wait_for_text('plan ... one: ')


def test_a_plan_of_the_other_action_is_canceled_and_the_answer_decides_what_is_told(session):
    _, peer, rviz = session
    name = f'{names.FOLLOW_JOINT_TRAJECTORY}/_action/cancel_goal'
    peer.offer(CancelGoal, name, CancelGoal.Response())
    rviz.click('discard')
    rviz.wait_for_text(f'> plan {peer.state.plan_id} was NOT canceled')
    peer.answers[name] = CancelGoal.Response(goals_canceling=[GoalInfo()])
    rviz.click('discard')
    rviz.wait_for_text(f'> plan {peer.state.plan_id} is canceled')


def test_when_the_generator_dies_its_generation_ends_and_the_next_may_begin(session):
    client, peer, rviz = session
    peer.state.phase_name = 'IDLE'
    instructions = client.node.create_publisher(String, names.INSTRUCTION, names.LATCHED_QOS)
    instructions.publish(String(data='lift it'))
    begun = []

    async def work_for_ever(handle):
        begun.append(handle)
        await Future()

    def serve():
        return ActionServer(client.node, GenerateEpisode, names.GENERATE_EPISODE, work_for_ever)

    first = client.call(serve)
    rviz.click('generate')
    client.wait(lambda: begun, what='the goal')
    begun[0].publish_feedback(GenerateEpisode.Feedback(stage_name='denoising', step=3, total=10))
    rviz.wait_for_text('generating: denoising 3/10')
    client.call(first.destroy)
    rviz.wait_for_text('the generator is gone, and the generation with it')
    assert 'generate' not in rviz.buttons
    client.call(serve)
    rviz.click('generate')
    client.wait(lambda: len(begun) == 2, what='the second goal')
