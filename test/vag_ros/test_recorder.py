import json
import resource
import signal
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from node_processes import Client, node_launcher, reserved_domain
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CompressedImage, JointState
from stack_peer import SIM, STEPS, StackPeer, an_episode
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool
from trajectory_msgs.msg import JointTrajectory

from vag_core.images import decode_image
from vag_ros import convert, msg, names
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.bag.reader import find_problem, inspect
from vag_ros.bag.recover import recover
from vag_ros.bag.to_episode import read_episode

Phase = msg.ReplayState
COMMANDS = 400


def commands(number):
    """Numbered joint states of one arm, 5 ms apart."""
    names_ = list(SIM.arms[0].driver_joints)
    states = [JointState(name=names_, position=[0.001 * k] * 7) for k in range(number)]
    for k, state in enumerate(states):
        state.header.stamp = convert.to_time(5_000_000 * k)
    return states


def messages(bag, topic):
    """Return the messages of a topic as (receive time, CDR bytes, type name)."""
    with AnyReader([bag]) as reader:
        chosen = [c for c in reader.connections if c.topic == topic]
        return [(t, bytes(data), c.msgtype) for c, t, data in reader.messages(chosen)]


def decoded(bag, topic, cls):
    return [deserialize_message(data, cls) for _, data, _ in messages(bag, topic)]


def custom_data(bag):
    return yaml.safe_load((bag / 'metadata.yaml').read_text())['rosbag2_bagfile_information'][
        'custom_data'
    ]


def replay(peer, episode_id, sent=()):
    """Say what a replay server says during one replay."""
    peer.begin(ReplayTrajectory)
    peer.say_phase(Phase.PHASE_PLANNING, episode_id)
    peer.say_phase(Phase.PHASE_EXECUTING, episode_id)
    peer.publish((*peer.commands, *peer.feedback), sent)
    peer.say_phase(Phase.PHASE_IDLE, episode_id, commands_sent=len(sent))
    peer.end(ReplayTrajectory)


@pytest.fixture
def peer(client):
    return StackPeer(client)


@pytest.fixture
def start(launch_node, peer, tmp_path):
    """Start a recorder that hears the peer; returns its process."""

    def start(**parameters):
        options = {'bag_dir': str(tmp_path / 'bags'), 'tail_s': 0.0, **parameters}
        node = launch_node('recorder', robot='sim', **options)
        peer.wait_for_recorder()
        return node

    yield start
    peer.say_phase(Phase.PHASE_STOPPED, '')


class Recorded:
    """One episode, generated and replayed, and what a subscriber beside the recorder received."""

    def __init__(self, folder: Path) -> None:
        self.episode = an_episode()
        self.commands = commands(COMMANDS)
        self.raw: list[bytes] = []
        topic = SIM.arms[0].command_topic
        with reserved_domain() as domain, node_launcher(domain, folder) as launch:
            client = Client(domain)
            peer = StackPeer(client)
            client.node.create_subscription(JointState, topic, self.raw.append, 1000, raw=True)
            launch('recorder', robot='sim', bag_dir=str(folder / 'bags'), tail_s=0.5)
            peer.wait_for_recorder()
            peer.instruction.publish(String(data=self.episode.instruction))
            peer.camera.publish(CompressedImage(format='jpeg'))
            self.message, _ = peer.generate(self.episode)
            peer.planned.publish(self.message.trajectory)
            peer.clamps.publish(
                msg.ClampReport(
                    episode_id=self.episode.episode_id,
                    plan_id='plan-1',
                    joint_names=list(SIM.joint_names),
                    position_clamps=[0, 3] + [0] * 12,
                    time_scale=1.25,
                )
            )
            peer.camera.publish(CompressedImage(format='jpeg', data=b'\1\2\3'))
            replay(peer, self.episode.episode_id, self.commands)
            self.bag = peer.wait_announced('closed ')
            client.wait(lambda: len(self.raw) == COMMANDS)
            client.close()


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp('recorded'))


def test_the_bag_has_the_name_of_the_episode_and_is_a_rosbag2_of_version_9(recorded):
    information = yaml.safe_load((recorded.bag / 'metadata.yaml').read_text())
    information = information['rosbag2_bagfile_information']
    assert recorded.bag.name == recorded.episode.episode_id
    assert information['version'] == 9
    assert information['storage_identifier'] == 'mcap'
    assert information['relative_file_paths'] == [f'{recorded.bag.name}.mcap']
    assert {p.name for p in recorded.bag.iterdir()} == {
        'metadata.yaml',
        f'{recorded.bag.name}.mcap',
    }
    assert find_problem(recorded.bag) == ''


def test_rosbags_decodes_every_message_with_the_definitions_in_the_bag(recorded):
    with AnyReader([recorded.bag]) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)
    assert counts['/' + names.GENERATED_VIDEO] == STEPS
    for name in (names.INSTRUCTION, names.EPISODE, names.REQUESTED_TRAJECTORY):
        assert counts[f'/{name}'] == 1
    for name in (names.PLANNED_TRAJECTORY, names.CLAMP_REPORT):
        assert counts[f'/{name}'] == 1
    for arm in SIM.arms:
        assert counts[f'/{arm.command_topic}'] == COMMANDS
        assert counts[f'/{arm.feedback_topic}'] == COMMANDS
    assert counts[f'/{names.REPLAY_STATE}'] == 3
    assert counts[f'/{SIM.camera.topic}'] >= 1
    assert counts[f'/{names.GENERATE_EPISODE}/_action/feedback'] == 3
    assert counts[f'/{names.REPLAY_TRAJECTORY}/_action/status'] >= 2


def test_the_reader_of_mcap_finds_the_same_messages_through_the_index(recorded):
    with (recorded.bag / f'{recorded.bag.name}.mcap').open('rb') as file:
        reader = make_reader(file)
        indexed = sum(1 for _ in reader.iter_messages())
        assert reader.get_summary().statistics.message_count == indexed
    with AnyReader([recorded.bag]) as any_reader:
        assert any_reader.message_count == indexed


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_mcap_ros2_decodes_every_topic_whose_type_name_it_allows(recorded):
    mcap_ros2 = pytest.importorskip('mcap_ros2.reader')
    with AnyReader([recorded.bag]) as reader:
        # Its parser refuses the underscore in X_FeedbackMessage.
        topics = [c.topic for c in reader.connections if '_Feedback' not in c.msgtype]
    found = mcap_ros2.read_ros2_messages(recorded.bag / f'{recorded.bag.name}.mcap', topics)
    by_topic = {topic: [] for topic in topics}
    for message in found:
        by_topic[message.channel.topic].append(message.ros_msg)
    assert by_topic[f'/{names.INSTRUCTION}'][0].data == recorded.episode.instruction
    sent = by_topic[f'/{SIM.arms[0].command_topic}']
    assert [m.position[0] for m in sent] == [m.position[0] for m in recorded.commands]


def test_messages_keep_the_bytes_order_and_stamps_that_were_received(recorded):
    found = messages(recorded.bag, f'/{SIM.arms[0].command_topic}')
    assert [data for _, data, _ in found] == recorded.raw
    times = [t for t, _, _ in found]
    assert times == sorted(times)


def test_generated_frames_carry_their_planned_times(recorded):
    frames = decoded(recorded.bag, f'/{names.GENERATED_VIDEO}', CompressedImage)
    stamps = [convert.to_ns(frame.header.stamp) for frame in frames]
    start_ns = recorded.episode.stamp_ns
    assert stamps == [start_ns + 100_000_000 * k for k in range(STEPS)]
    assert decode_image(bytes(frames[0].data)).shape == (48, 64, 3)
    (trajectory,) = decoded(recorded.bag, f'/{names.REQUESTED_TRAJECTORY}', JointTrajectory)
    assert trajectory == recorded.message.trajectory


def test_an_instruction_given_before_the_episode_is_in_its_bag(recorded):
    (instruction,) = decoded(recorded.bag, f'/{names.INSTRUCTION}', String)
    assert instruction.data == recorded.episode.instruction


def test_custom_data_tell_what_was_generated_and_how_it_was_replayed(recorded):
    about = custom_data(recorded.bag)
    assert about['vag.instruction'] == recorded.episode.instruction
    assert about['vag.seed'] == '7'
    assert about['vag.checkpoint'] == 'tiny'
    assert about['vag.checkpoint_hash'] == 'ab' * 32
    assert about['vag.evaluation'] == 'smoke-trained, not evaluated'
    assert about['vag.robot_profile'] == 'sim'
    assert about['vag.time_scale'] == '1.25'
    assert json.loads(about['vag.position_clamps']) == {'left_joint2': 3}
    assert about['vag.commands_sent'] == str(COMMANDS)
    assert json.loads(about['vag.versions'])['rclpy']
    assert about['vag.state'] == 'complete'
    assert inspect(recorded.bag / f'{recorded.bag.name}.mcap').custom_data == about


def test_the_episode_rebuilt_from_the_bag_is_the_one_that_was_generated(recorded):
    rebuilt = read_episode(recorded.bag)
    for field in ('episode_id', 'instruction', 'fps', 'embodiment', 'stamp_ns', 'provenance'):
        assert getattr(rebuilt, field) == getattr(recorded.episode, field), field
    assert rebuilt.conditioning_image == recorded.episode.conditioning_image
    assert rebuilt.conditioning_stamp_ns == recorded.episode.conditioning_stamp_ns
    assert (rebuilt.actions == recorded.episode.actions).all()
    difference = rebuilt.videos['cam_high'].astype(int) - recorded.episode.videos['cam_high']
    assert abs(difference).mean() < 2


def test_a_second_replay_of_an_episode_gets_a_bag_of_its_own_with_the_episode(start, peer):
    start()
    episode = an_episode()
    peer.generate(episode)
    replay(peer, episode.episode_id, commands(3))
    first = peer.wait_announced('closed ')
    replay(peer, episode.episode_id, commands(5))
    peer.wait_announced('open ')
    second = peer.wait_announced('closed ')
    assert (first.name, second.name) == ('episode_a', 'episode_a_2')
    assert [custom_data(bag)['vag.commands_sent'] for bag in (first, second)] == ['3', '5']
    assert read_episode(second).episode_id == episode.episode_id


def test_a_new_generation_closes_the_bag_of_an_episode_that_nobody_replayed(start, peer):
    start()
    peer.generate(an_episode('episode_a'))
    peer.begin(GenerateEpisode)
    assert peer.wait_announced('closed ').name == 'episode_a'
    assert peer.wait_announced('open ').name.startswith('generation_')


def test_what_is_generated_while_recording_is_off_has_no_bag(start, peer, client, tmp_path):
    node = start()
    said = []
    client.node.create_subscription(Bool, names.RECORDING, said.append, names.LATCHED_QOS)
    switch = client.node.create_client(SetBool, names.RECORD)
    client.wait(switch.service_is_ready, what='the recorder')
    client.meet('recorder')

    def record(on):
        answer = client.request(switch.call_async, SetBool.Request(data=on))
        assert (answer.success, answer.message) == (True, f'recording {"on" if on else "off"}')
        client.wait(lambda: said and said[-1].data is on, what='what the recorder says')

    record(False)
    peer.begin(GenerateEpisode)
    client.wait(lambda: 'recording is off: this one gets no bag' in node.output, what='the log')
    peer.end(GenerateEpisode, succeeded=False)
    record(True)
    peer.begin(GenerateEpisode)
    peer.wait_announced('open ')
    peer.end(GenerateEpisode, succeeded=False)
    peer.wait_announced('closed ')
    assert len(list((tmp_path / 'bags').iterdir())) == 1


def test_a_failed_generation_leaves_a_closed_bag(start, peer):
    start()
    peer.begin(GenerateEpisode)
    opened = peer.wait_announced('open ')
    peer.end(GenerateEpisode, succeeded=False)
    bag = peer.wait_announced('closed ')
    assert bag.name + '.recording' == opened.name
    assert find_problem(bag) == ''


def test_an_interrupt_during_motion_leaves_a_whole_bag_of_that_episode(start, peer, client):
    node = start()
    episode = an_episode()
    peer.generate(episode)
    peer.begin(ReplayTrajectory)
    peer.say_phase(Phase.PHASE_EXECUTING, episode.episode_id)
    peer.publish(peer.commands[:1], commands(50))
    node.process.send_signal(signal.SIGINT)
    peer.say_phase(Phase.PHASE_DECELERATING, episode.episode_id)
    peer.publish(peer.commands[:1], commands(10))
    peer.say_phase(Phase.PHASE_STOPPED, episode.episode_id)
    assert node.end() == 0
    bag = peer.wait_announced('closed ')
    assert find_problem(bag) == ''
    assert len(messages(bag, f'/{SIM.arms[0].command_topic}')) == 60
    assert read_episode(bag).episode_id == bag.name == episode.episode_id


def test_an_interrupt_during_generation_leaves_a_whole_bag_with_the_feedback_so_far(start, peer):
    node = start()
    handle = peer.begin(GenerateEpisode)
    peer.wait_announced('open ')
    handle.publish_feedback(GenerateEpisode.Feedback(stage_name='denoising', step=1, total=3))
    node.process.send_signal(signal.SIGINT)
    peer.say_phase(Phase.PHASE_STOPPED, '')
    assert node.end() == 0
    bag = peer.wait_announced('closed ')
    assert find_problem(bag) == ''
    assert len(messages(bag, f'/{names.GENERATE_EPISODE}/_action/feedback')) == 1


def test_a_driver_that_publishes_best_effort_is_recorded_too(start, peer, client):
    topic = f'/{SIM.arms[1].feedback_topic}'
    client.node.destroy_publisher(peer.feedback.pop())
    driver = client.node.create_publisher(JointState, topic, qos_profile_sensor_data)
    start()
    client.wait(lambda: client.node.count_subscribers(topic), what='the recorder')
    peer.begin(GenerateEpisode)
    peer.wait_announced('open ')
    client.wait(driver.get_subscription_count, what='a matching subscription')
    peer.publish([driver], commands(50))
    peer.end(GenerateEpisode, succeeded=False)
    assert len(messages(peer.wait_announced('closed '), topic)) == 50


def test_an_episode_id_from_the_network_can_not_leave_the_folder(start, peer, tmp_path):
    start()
    peer.say_phase(Phase.PHASE_EXECUTING, '../../elsewhere')
    peer.say_phase(Phase.PHASE_IDLE, '../../elsewhere')
    bag = peer.wait_announced('closed ')
    assert bag.parent == tmp_path / 'bags'
    assert bag.name.startswith('replay_')


def test_what_is_older_than_a_second_survives_kill_9(start, peer, client):
    node = start()
    _, bag = peer.generate(an_episode())
    peer.begin(ReplayTrajectory)
    peer.say_phase(Phase.PHASE_EXECUTING, 'episode_a')
    old = commands(20)
    peer.publish(peer.commands[:1], old)
    topic = f'/{SIM.arms[0].command_topic}'

    def flushed():
        counts = {t.name: t.count for t in inspect(bag).topics}
        return counts.get(topic) == len(old) and counts.get(f'/{names.EPISODE}')

    client.wait(flushed, what='the flush')
    peer.publish(peer.commands[:1], commands(200))
    node.end(signal.SIGKILL)
    assert find_problem(bag)
    before = {p.name: p.read_bytes() for p in bag.iterdir()}
    recovery = recover(bag)
    assert {p.name: p.read_bytes() for p in bag.iterdir()} == before
    assert find_problem(recovery.path) == ''
    found = decoded(recovery.path, topic, JointState)
    assert found[: len(old)] == old
    assert custom_data(recovery.path)['vag.seed'] == '7'
    assert custom_data(recovery.path)['vag.state'] == 'recovered'
    assert read_episode(recovery.path).episode_id == 'episode_a'


def test_a_folder_that_can_not_be_written_is_reported_and_the_node_stays_up(
    start, peer, client, tmp_path
):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    node = start(bag_dir=str(blocked / 'bags'))
    peer.begin(GenerateEpisode)
    client.wait(lambda: 'no bag is recorded' in node.output, what='the error')
    assert node.process.poll() is None


def test_a_bag_that_an_earlier_recorder_left_open_is_reported(start, client, tmp_path):
    (tmp_path / 'bags' / 'left.recording').mkdir(parents=True)
    node = start()
    client.wait(lambda: 'left.recording was never closed' in node.output, what='the warning')


def test_a_full_disk_stops_the_bag_and_leaves_what_was_written_recoverable(start, peer, client):
    node = start()
    _, bag = peer.generate(an_episode())
    client.wait(lambda: any(t.name.endswith(names.EPISODE) for t in inspect(bag).topics))
    # A limit on the size of files fails a write as a full disk does, in this process alone.
    size = next(bag.glob('*.mcap')).stat().st_size
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size + 1000, size + 1000))
    peer.publish(peer.commands[:1], commands(200))
    assert peer.wait_announced('failed ') == bag
    assert 'has stopped' in node.output
    assert node.process.poll() is None
    assert read_episode(recover(bag).path).episode_id == 'episode_a'
