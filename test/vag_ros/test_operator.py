import numpy as np
import pytest
from node_processes import Client, node_launcher, reserved_domain
from rviz_client import RvizClient
from sensor_msgs.msg import CompressedImage
from simulated_arms import PROFILE, SimulatedArms
from std_msgs.msg import String
from std_srvs.srv import Trigger

from vag_core.episode import Episode
from vag_core.images import encode_png
from vag_ros import convert, msg, names
from vag_ros.msg import ReplayState

GREY = np.full((16, 24, 3), 128, np.uint8)
PHASE = 'replay server: '


def an_episode(episode_id, seconds=1.0, turn=0.1):
    """An episode that turns one joint from home and back."""
    times = np.arange(round(seconds * 10) + 1) * 0.1
    actions = np.tile(PROFILE.home_position, (len(times), 1))
    actions[:, 0] += turn * (1 - np.cos(2 * np.pi * times / times[-1])) / 2
    episode = Episode(
        episode_id=episode_id,
        instruction='turn',
        fps=10.0,
        embodiment=PROFILE.as_embodiment(),
        actions=actions.astype(np.float32),
        videos={'cam_high': np.stack([GREY] * len(times))},
        conditioning_image=encode_png(GREY),
        provenance={'seed': 1},
    )
    return convert.to_episode_message(episode, PROFILE)


class Desk:
    """Presses the operator's buttons and reads its log."""

    def __init__(self, client, process):
        self.client = client
        self._process = process
        self._buttons = {
            act: client.node.create_client(Trigger, f'{names.OPERATOR}/{act}')
            for act in ('generate', 'plan', 'approve', 'replay', 'discard')
        }
        for act, button in self._buttons.items():
            client.wait(button.service_is_ready, what=act)
        client.meet('operator')

    def press(self, act):
        """Return (success, message)."""
        answer = self.client.request(self._buttons[act].call_async, Trigger.Request())
        return answer.success, answer.message

    def approve(self):
        """Approve the plan on show once it has been there for long enough; return the answer."""
        return self.client.wait(
            lambda: next((m for done, m in [self.press('approve')] if done), None), what='approval'
        )

    def wait_for_log(self, text):
        self.client.wait(lambda: text in self._process.output, what=text)

    def wait_for_phase(self, phase):
        """Wait until the operator has heard that the replay server is in this phase."""

        def heard():
            lines = [line for line in self._process.output.splitlines() if PHASE in line]
            return lines and lines[-1].split(PHASE)[1].split()[0] == phase

        self.client.wait(heard, what=phase)


@pytest.fixture
def lonely(launch_node, client):
    """An operator with nobody to talk to."""
    return Desk(client, launch_node('operator'))


def test_without_a_stack_every_act_is_refused_with_its_reason(lonely):
    for act, reason in [
        ('generate', 'vag/generate_episode is not there'),
        ('plan', 'the replay server is silent'),
        ('approve', 'the replay server is silent'),
        ('replay', 'the replay server is silent'),
        ('discard', 'nothing is on display'),
    ]:
        assert lonely.press(act) == (False, reason)


def test_a_silent_replay_server_gets_no_approval(lonely, client):
    states = client.node.create_publisher(ReplayState, names.REPLAY_STATE, names.STATE_QOS)
    client.wait(states.get_subscription_count, what='the operator')
    awaiting = ReplayState.PHASE_AWAITING_APPROVAL
    states.publish(ReplayState(phase=awaiting, phase_name='AWAITING_APPROVAL', plan_id='p'))
    lonely.wait_for_log('replay server: AWAITING_APPROVAL')
    client.wait(lambda: lonely.press('approve') == (False, 'the replay server is silent'))


@pytest.fixture(scope='module')
def stage(tmp_path_factory):
    """A replay server with arms that it may move, an operator, and an episode publisher."""
    folder = tmp_path_factory.mktemp('stage')
    with reserved_domain() as domain, node_launcher(domain, folder) as launch:
        launch('replay_server', robot='sim', dry_run=False)
        client = Client(domain)
        arms = SimulatedArms(client)
        episodes = client.node.create_publisher(msg.Episode, names.EPISODE, names.LATCHED_QOS)
        desk = Desk(client, launch('operator'))
        client.meet('replay_server')
        yield arms, desk, episodes
        arms.close()
        client.close()


@pytest.fixture
def displayed(stage):
    """(arms, desk, show): nothing on display, the server ready."""
    arms, desk, episodes = stage
    while desk.press('discard')[0]:
        pass
    arms.be_ready()

    def show(episode_id, seconds=1.0):
        episodes.publish(an_episode(episode_id, seconds))
        desk.wait_for_log(f'on display: episode {episode_id}')

    desk.wait_for_phase('IDLE')
    return arms, desk, show


def test_approval_and_replay_are_two_acts_and_only_both_move_the_arms(displayed):
    arms, desk, show = displayed
    show('two_acts', seconds=4.0)
    assert desk.press('approve')[0] is False
    assert desk.press('plan') == (True, 'asked for a plan of episode two_acts')
    desk.wait_for_phase('AWAITING_APPROVAL')
    state = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL)
    assert state.episode_id == 'two_acts'
    assert arms.count == 0
    assert desk.press('replay') == (False, 'the plan on show is not approved')
    message = desk.approve()
    assert state.plan_id in message
    assert 'approved only' in desk.press('replay')[1]
    desk.client.wait(lambda: desk.press('replay')[0], what='the end of the double click')
    arms.wait_for_commands(100)
    assert desk.press('discard')[0] is False
    desk.wait_for_log('replay succeeded')


def test_discard_cancels_a_waiting_plan_then_forgets_the_episode(displayed):
    arms, desk, show = displayed
    show('unwanted')
    assert desk.press('plan')[0]
    desk.wait_for_phase('AWAITING_APPROVAL')
    plan = arms.wait_for_phase(ReplayState.PHASE_AWAITING_APPROVAL).plan_id
    assert desk.press('discard') == (True, f'asked to cancel plan {plan}')
    desk.wait_for_phase('IDLE')
    assert desk.press('discard') == (True, 'episode unwanted is off display')
    assert desk.press('discard') == (False, 'nothing is on display')
    assert desk.press('plan') == (False, 'no episode is on display')
    assert arms.count == 0


def test_a_plan_of_another_episode_than_the_displayed_one_is_not_approved(displayed):
    arms, desk, show = displayed
    show('first')
    assert desk.press('plan')[0]
    desk.wait_for_phase('AWAITING_APPROVAL')
    show('second')
    success, message = desk.press('approve')
    assert not success
    assert message == 'the plan on show is of episode first, on display is second'
    success, message = desk.press('plan')
    assert not success
    assert 'AWAITING_APPROVAL' in message
    assert arms.count == 0


def test_a_latched_server_gets_no_plan(displayed):
    arms, desk, show = displayed
    show('stopped')
    assert arms.call(names.STOP).success
    desk.wait_for_phase('LATCHED')
    success, message = desk.press('plan')
    assert not success
    assert 'vag/stop was called; reset it' in message


def test_generate_uses_the_latest_instruction_once_at_a_time_and_discard_ends_it(
    launch_node, client, small_checkpoint, tmp_path
):
    launch_node(
        'generator',
        checkpoint=str(small_checkpoint),
        output_dir=str(tmp_path / 'episodes'),
        torch_threads=1,
    )
    desk = Desk(client, launch_node('operator', seed=77))
    episodes = []
    client.node.create_subscription(msg.Episode, names.EPISODE, episodes.append, names.LATCHED_QOS)
    instructions = client.node.create_publisher(String, names.INSTRUCTION, names.STATE_QOS)
    images = client.node.create_publisher(CompressedImage, PROFILE.camera.topic, names.CAMERA_QOS)
    image = convert.to_compressed(encode_png(GREY))
    client.node.create_timer(0.02, lambda: images.publish(image))
    client.wait(lambda: instructions.get_subscription_count() == 2, what='both nodes')
    client.wait(images.get_subscription_count, what='the generator')
    refused = client.wait(
        lambda: next((m for s, m in [desk.press('generate')] if 'not there' not in m), None)
    )
    assert refused.startswith('no instruction was given')
    instructions.publish(String(data='lift it'))
    started = client.wait(lambda: next((m for s, m in [desk.press('generate')] if s), None))
    assert started == "asked for 'lift it', seed 77"
    assert desk.press('generate') == (False, 'a generation is running; discard it or wait')
    desk.wait_for_log('generation succeeded')
    client.wait(lambda: episodes, what='the episode')
    assert (episodes[0].instruction, episodes[0].seed) == ('lift it', 77)
    # Long enough to be discarded.
    rviz = RvizClient(client)
    rviz.choose('35')
    rviz.wait_for_text('chosen: steps: 35')
    client.wait(lambda: desk.press('generate')[0], what='the end of the first')
    assert desk.press('discard') == (True, 'asked to cancel the generation')
    desk.wait_for_log('generation ended')
