import array
import json
import signal
import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_processes import Client, node_launcher, reserved_domain
from rclpy.action import ActionClient
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, JointState
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory

from vag_core.episode import load_episode
from vag_core.images import decode_image, encode_png
from vag_core.robot import load_profile
from vag_ros import convert, msg, names
from vag_ros.action import GenerateEpisode
from vag_ros.contact import ActionContact

SIM = load_profile('sim')
Result = GenerateEpisode.Result
Feedback = GenerateEpisode.Feedback
Goal = GenerateEpisode.Goal

RAMP = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
MANY_STEPS = 1000


def an_image(stamp_ns=7_000_000_123):
    return convert.to_compressed(encode_png(RAMP), stamp_ns, SIM.camera.frame_id)


class GoalSender:
    """Sends goals to a generator process and keeps what comes back."""

    def __init__(self, client):
        self.client = client
        self._action = ActionClient(
            client.node,
            GenerateEpisode,
            names.GENERATE_EPISODE,
            feedback_sub_qos_profile=QoSProfile(depth=1000),
        )
        self.feedback = []
        self.feedback_times = []

    def wait_for_server(self):
        self.client.wait(self._action.server_is_ready, what='the action')
        self.client.meet('generator')

    def meet_server(self):
        """Wait until the server that is there now answers, not one that has gone."""
        contact = ActionContact(self.client.node, self._action, names.GENERATE_EPISODE)
        self.client.wait(lambda: self.client.call(contact.is_made), what='the action server')

    def send(self, **fields):
        def on_feedback(message):
            self.feedback.append(message.feedback)
            self.feedback_times.append(time.monotonic())

        self.feedback.clear()
        self.feedback_times.clear()
        sent = self.client.call(self._action.send_goal_async, Goal(**fields), on_feedback)
        handle = self.client.result(sent)
        assert handle.accepted
        return handle, self.client.call(handle.get_result_async)

    def generate(self, **fields):
        _, future = self.send(**fields)
        response = self.client.result(future)
        return response.status, response.result

    def wait_for_denoising(self, steps=3):
        self.client.wait(
            lambda: sum(f.stage == Feedback.STAGE_DENOISING for f in self.feedback) >= steps,
            what='denoising steps',
        )


def parameters_of(checkpoint, folder):
    return {
        'robot': 'sim',
        'checkpoint': str(checkpoint),
        'output_dir': str(folder / 'episodes'),
        'torch_threads': 1,
        'preview_share': 1.0,
        'first_image_wait_s': 0.0,
    }


@pytest.fixture(scope='module')
def running(small_checkpoint, tmp_path_factory):
    """One generator for the tests that leave it as they found it: (sender, episode folder)."""
    folder = tmp_path_factory.mktemp('running')
    with reserved_domain() as domain, node_launcher(domain, folder) as launch:
        launch('generator', **parameters_of(small_checkpoint, folder))
        client = Client(domain)
        sender = GoalSender(client)
        sender.wait_for_server()
        yield sender, folder / 'episodes'
        client.close()


@pytest.fixture
def parameters(small_checkpoint, tmp_path):
    return parameters_of(small_checkpoint, tmp_path)


@pytest.fixture
def sender(client):
    return GoalSender(client)


@pytest.fixture
def generator(launch_node, sender, parameters):
    process = launch_node('generator', **parameters)
    sender.wait_for_server()
    return process


def collect(client, message_type, topic, qos):
    received = []
    client.node.create_subscription(message_type, topic, received.append, qos)
    return received


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'image': CompressedImage(format='jpeg', data=array.array('B', b'?'))}, 'image.data'),
        ({'seed': -2}, 'seed = -2'),
        ({'steps': 1001}, 'steps = 1001'),
        ({'guidance': np.nan}, 'guidance = nan'),
    ],
)
def test_a_wrong_goal_ends_aborted_with_the_field_and_its_value(running, fields, said):
    sender, _ = running
    status, result = sender.generate(**{'instruction': 'lift', 'image': an_image(), **fields})
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INVALID_GOAL)
    assert said in result.error_string
    assert result.episode == msg.Episode()


def test_an_episode_is_saved_published_and_returned(running):
    sender, root = running
    client = sender.client
    episodes = collect(client, msg.Episode, names.EPISODE, names.LATCHED_QOS)
    frames = collect(client, CompressedImage, names.GENERATED_VIDEO, names.VIDEO_QOS)
    trajectories = collect(client, JointTrajectory, names.REQUESTED_TRAJECTORY, names.LATCHED_QOS)
    previews = collect(client, CompressedImage, names.PREVIEW_VIDEO, names.STATE_QOS)
    client.meet('generator')

    status, result = sender.generate(instruction='lift', image=an_image(), seed=5, steps=6)

    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.SUCCESSFUL)
    client.wait(lambda: result.episode in episodes and len(frames) == 9, what='the episode')
    client.wait(lambda: result.episode.trajectory in trajectories, what='the trajectory')
    assert frames == result.episode.video
    folder = root / result.episode.episode_id
    assert folder.name.endswith('_s5')
    for name in ('contact_sheet.png', 'joints.png', 'video_cam_high.mp4', 'conditioning.png'):
        assert (folder / name).stat().st_size > 0
    episode, saved = convert.from_episode_message(result.episode), load_episode(folder)
    assert saved.provenance == episode.provenance
    np.testing.assert_array_equal(saved.actions, episode.actions)
    np.testing.assert_array_equal(decode_image(saved.conditioning_image), RAMP)
    assert episode.conditioning_stamp_ns == 7_000_000_123
    expected = {'seed': 5, 'steps': 6, 'guidance': 0.0, 'solver': 'ab2', 'image_topic': 'goal'}
    assert expected.items() <= saved.provenance.items()
    assert saved.provenance['timings_s'].keys() == {'encoding', 'denoising', 'decoding'}
    seen = len(previews)
    client.wait(lambda: len(previews) > seen + 12, what='the preview to loop')


def test_the_actions_are_those_of_the_checkpoint(running, small_checkpoint):
    from vag_core.checkpoint import load_checkpoint
    from vag_core.generate import Request, generate

    sender, _ = running
    _, result = sender.generate(instruction='lift', image=an_image(), seed=11)
    (own,) = generate(load_checkpoint(small_checkpoint), [Request(RAMP, 'lift', 11)])
    episode = convert.from_episode_message(result.episode)
    np.testing.assert_allclose(episode.actions, own.actions, atol=1e-6)


def test_feedback_names_every_step_of_every_stage_with_a_preview(running):
    sender, _ = running
    # With a subscription of its own: an action's client forgets what comes after the result.
    topic = f'{names.GENERATE_EPISODE}/_action/feedback'
    heard = collect(
        sender.client, GenerateEpisode.Impl.FeedbackMessage, topic, QoSProfile(depth=1000)
    )
    sender.client.meet('generator')
    sender.generate(instruction='lift', image=an_image(), steps=7)

    def last():
        return (heard[-1].feedback.stage_name, heard[-1].feedback.step) if heard else None

    sender.client.wait(lambda: last() == ('saving', 1), what='the last feedback')
    found = [message.feedback for message in heard]
    steps = [(f.stage_name, f.step, f.total) for f in found]
    assert steps == [
        ('encoding', 1, 1),
        *(('denoising', step, 8) for step in range(1, 9)),
        ('decoding', 1, 1),
        ('saving', 0, 1),
        ('saving', 1, 1),
    ]
    elapsed = [f.elapsed for f in found]
    assert elapsed == sorted(elapsed)
    for feedback in found[1:9]:
        assert decode_image(bytes(feedback.preview.data)).shape == (427, 640, 3)


def test_cancel_ends_within_one_denoising_step(running):
    sender, _ = running
    handle, future = sender.send(instruction='lift', image=an_image(), steps=MANY_STEPS)
    sender.wait_for_denoising()
    sender.client.request(handle.cancel_goal_async)
    answered = time.monotonic()
    response = sender.client.result(future)
    assert response.status == GoalStatus.STATUS_CANCELED
    assert response.result.error_code == Result.CANCELED
    assert sum(when > answered for when in sender.feedback_times) <= 1


def test_a_second_goal_is_refused_as_busy_and_disturbs_nothing(running):
    sender, _ = running
    handle, first = sender.send(instruction='lift', image=an_image(), steps=MANY_STEPS)
    sender.wait_for_denoising()
    other = GoalSender(sender.client)
    other.wait_for_server()
    status, result = other.generate(instruction='lift', image=an_image())
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BUSY)
    assert not first.done()
    sender.client.request(handle.cancel_goal_async)
    assert sender.client.result(first).status == GoalStatus.STATUS_CANCELED


def test_image_and_instruction_come_from_the_topics_or_are_missed(generator, sender, client):
    instructions = client.node.create_publisher(String, names.INSTRUCTION, names.STATE_QOS)
    images = client.node.create_publisher(CompressedImage, SIM.camera.topic, names.CAMERA_QOS)
    for publisher in (instructions, images):
        client.wait(publisher.get_subscription_count, what='the generator')

    def code_after(publisher, message, code):
        def generate():
            publisher.publish(message)
            result = sender.generate(steps=1)[1]
            return result if result.error_code == code else None

        return client.wait(generate, what=f'code {code}')

    missing = sender.generate(image=an_image())[1]
    assert missing.error_code == Result.NO_INSTRUCTION
    assert names.INSTRUCTION in missing.error_string
    missing = code_after(instructions, String(data=' put it down '), Result.NO_IMAGE)
    assert SIM.camera.topic in missing.error_string
    result = code_after(images, an_image(stamp_ns=9), Result.SUCCESSFUL)
    assert result.episode.instruction == 'put it down'
    assert convert.to_ns(result.episode.conditioning_stamp) == 9
    assert json.loads(result.episode.provenance_json)['image_topic'] == SIM.camera.topic
    stale = code_after(instructions, String(data='again'), Result.STALE_IMAGE)
    assert 'max_image_age_s = 1.0' in stale.error_string


def test_after_kill_9_a_new_generator_serves_the_same_client(
    generator, launch_node, sender, client, parameters
):
    sender.send(instruction='lift', image=an_image(), steps=MANY_STEPS)
    sender.wait_for_denoising()
    assert generator.end(signal.SIGKILL) == -signal.SIGKILL
    successor = launch_node('generator', **parameters)
    client.wait(lambda: f'{names.GENERATE_EPISODE} is there' in successor.output)
    sender.meet_server()

    def is_served():
        # A goal that was sent again because its answer was slow may meet its first sending.
        _, result = sender.generate(instruction='lift', image=an_image())
        assert result.error_code in (Result.SUCCESSFUL, Result.BUSY), result.error_string
        return result.error_code == Result.SUCCESSFUL

    client.wait(is_served, what='an episode')


def test_sigint_in_mid_generation_ends_it_and_the_process_cleanly(generator, sender, client):
    _, future = sender.send(instruction='lift', image=an_image(), steps=MANY_STEPS)
    sender.wait_for_denoising()
    assert generator.end(signal.SIGINT) == 0
    assert client.result(future).result.error_code == Result.CANCELED


def test_sigint_while_loading_ends_the_process_cleanly(launch_node, client, parameters):
    generator = launch_node('generator', **parameters)
    client.wait(lambda: 'generator' in client.node.get_node_names(), what='the node')
    assert generator.end(signal.SIGINT) == 0


def test_without_a_checkpoint_goals_are_refused_with_the_reason(launch_node, sender, parameters):
    launch_node('generator', **{**parameters, 'checkpoint': 'no_such_model'})
    sender.wait_for_server()
    status, result = sender.generate(instruction='lift', image=an_image())
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.NOT_ACTIVE)
    assert 'no_such_model' in result.error_string


def test_an_unknown_parameter_ends_the_process_with_its_name(launch_node, parameters):
    generator = launch_node('generator', **parameters, max_image_age=1.0)
    assert generator.process.wait(60) == 2
    assert "parameter 'max_image_age': unknown" in generator.output


class Manager:
    """Drives a node through its lifecycle."""

    def __init__(self, client):
        self.client = client
        self._change = client.node.create_client(ChangeState, 'generator/change_state')
        self._get = client.node.create_client(GetState, 'generator/get_state')
        client.wait(self._change.service_is_ready, what='the lifecycle services')
        client.wait(self._get.service_is_ready, what='the lifecycle services')
        client.meet('generator')

    def begin(self, transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.client.call(self._change.call_async, request)

    def change(self, transition):
        return self.client.result(self.begin(transition)).success

    @property
    def state(self):
        return self.client.request(self._get.call_async, GetState.Request()).current_state.id


def test_a_lifecycle_manager_can_do_it_instead(launch_node, client, sender, parameters):
    launch_node('generator', **parameters, autostart=False)
    manager = Manager(client)
    sender.wait_for_server()
    fields = {'instruction': 'lift', 'image': an_image()}

    assert not manager.change(Transition.TRANSITION_ACTIVATE)
    assert manager.state == State.PRIMARY_STATE_UNCONFIGURED
    configured = manager.begin(Transition.TRANSITION_CONFIGURE)
    assert manager.state == State.TRANSITION_STATE_CONFIGURING
    assert sender.client.result(configured).success
    assert sender.generate(**fields)[1].error_code == Result.NOT_ACTIVE
    assert manager.change(Transition.TRANSITION_ACTIVATE)
    assert sender.generate(**fields)[1].error_code == Result.SUCCESSFUL

    _, future = sender.send(**fields, steps=MANY_STEPS)
    sender.wait_for_denoising()
    assert manager.change(Transition.TRANSITION_DEACTIVATE)
    assert client.result(future).result.error_code == Result.CANCELED
    assert manager.change(Transition.TRANSITION_CLEANUP)
    assert manager.state == State.PRIMARY_STATE_UNCONFIGURED


@pytest.fixture(scope='module')
def checkpoint_with_start_state(small_checkpoint, tmp_path_factory):
    """The small checkpoint with an action stream that asks for the joints."""
    import yaml

    from vag_core.checkpoint import CheckpointConfig, save_checkpoint
    from vag_core.configuration import load
    from vag_core.model.vag import Vag

    config = yaml.safe_load((small_checkpoint / 'config.yaml').read_text())
    config['model']['action']['start_state'] = True
    cfg = load(CheckpointConfig, config)
    folder = tmp_path_factory.mktemp('checkpoints') / 'start_state'
    return save_checkpoint(folder, cfg, Vag(cfg.model))


def test_the_measured_joints_go_to_a_checkpoint_that_asks_for_them(
    launch_node, sender, checkpoint_with_start_state, tmp_path
):
    from vag_core.checkpoint import load_checkpoint
    from vag_core.generate import Request, generate

    launch_node('generator', **parameters_of(checkpoint_with_start_state, tmp_path))
    sender.wait_for_server()
    goal = {'instruction': 'lift', 'image': an_image(), 'seed': 3}

    status, result = sender.generate(**goal)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.GENERATION_FAILED)
    assert 'start_state: ' in result.error_string
    assert SIM.arms[0].feedback_topic in result.error_string

    pose = SIM.home_position + 0.02
    node = sender.client.node
    publishers = [node.create_publisher(JointState, arm.feedback_topic, 1) for arm in SIM.arms]

    def publish():
        for arm, publisher in zip(SIM.arms, publishers, strict=True):
            position = SIM.to_driver(arm, pose[SIM.arm_slice(arm)])
            publisher.publish(JointState(name=list(arm.driver_joints), position=position))

    timer = node.create_timer(0.01, publish)
    results = []

    def served():
        results.append(sender.generate(**goal)[1])
        return results[-1].error_code == Result.SUCCESSFUL

    sender.client.wait(served, what='an episode')
    timer.cancel()
    (own,) = generate(
        load_checkpoint(checkpoint_with_start_state), [Request(RAMP, 'lift', 3, start_state=pose)]
    )
    episode = convert.from_episode_message(results[-1].episode)
    np.testing.assert_allclose(episode.actions, own.actions, atol=1e-6)
