"""The main job end to end: one run of the whole stack, and what must be true of what it left."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from node_processes import PATIENCE_S, Client, reserved_domain
from rclpy.qos import QoSCompatibility, qos_check_compatible
from rosbags.highlevel import AnyReader

from vag_core.checkpoint import load_checkpoint
from vag_core.configuration import to_mapping
from vag_core.episode import Episode, load_episode
from vag_core.generate import Request, generate
from vag_core.images import decode_image
from vag_core.robot import load_profile
from vag_ros import names, rviz_config
from vag_ros.msg import ReplayState

VAG = [sys.executable, '-m', 'vag_core.cli.main']
PROFILE = load_profile('sim')
NANOSECOND = 1e-9
JOB_S = 300.0  # for what takes half a minute on an idle machine


def start(output: Path, domain: int, *options: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*VAG, 'run', '--headless', '--seed', '3', '--output-dir', str(output), *options],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@dataclass(frozen=True)
class Run:
    output: str
    folder: Path
    bag: Path
    topics: dict[str, list]
    shown: set[str]

    @property
    def episode(self) -> Episode:
        return load_episode(self.folder)


def read_bag(bag: Path) -> dict[str, list]:
    topics: dict[str, list] = {}
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            topics.setdefault(connection.topic, []).append(message)
    return topics


def printed(output: str, label: str) -> str:
    found = re.search(rf'^{re.escape(label)} +(.*\S) *$', output, re.MULTILINE)
    assert found, f'{label!r} is not in\n{output}'
    return found[1]


@pytest.fixture(scope='module')
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp('main_job')
    with reserved_domain() as domain:
        process = start(folder, domain)
        shown = topics_for_rviz(domain, process)
        output, _ = process.communicate(timeout=JOB_S)
    assert process.returncode == 0, output
    bag = Path(printed(output, 'bag'))
    return Run(output, Path(printed(output, 'episode')), bag, read_bag(bag), shown)


def topics_for_rviz(domain: int, process: subprocess.Popen) -> set[str]:
    """Return which topics of rviz/vag.rviz get a fitting publisher before the process ends."""
    client, found = Client(domain), set()
    wanted = rviz_config.subscriptions()

    def fits(publisher, item) -> bool:
        verdict, _ = qos_check_compatible(publisher.qos_profile, item.qos)
        return publisher.topic_type == item.type_name and verdict != QoSCompatibility.ERROR

    def look() -> bool:
        for item in wanted:
            publishers = client.node.get_publishers_info_by_topic(item.topic)
            if any(fits(publisher, item) for publisher in publishers):
                found.add(item.topic)
        time.sleep(0.1)
        return len(found) == len(wanted) or process.poll() is not None

    client.wait(look, JOB_S, 'what RViz shows')
    client.close()
    return found


def test_every_topic_of_rviz_s_configuration_has_a_publisher_that_fits_it(run):
    assert run.shown == {item.topic for item in rviz_config.subscriptions()}


def seconds(stamp) -> float:
    return stamp.sec + stamp.nanosec * NANOSECOND


def only(messages: list):
    assert len(messages) == 1
    return messages[0]


def test_prints_clamps_time_scale_success_and_the_time_of_each_stage(run):
    assert re.fullmatch(r'none|(\w+ \d+(, )?)+', printed(run.output, 'clamped points'))
    assert float(printed(run.output, 'time scale')) >= 1
    assert printed(run.output, 'task succeeded') in ('true', 'false')
    for stage in ('start-up', 'generation', 'planning', 'executing', 'bag'):
        assert float(printed(run.output, f'time: {stage}').removesuffix(' s')) > 0


def test_the_episode_has_video_contact_sheet_and_joint_plot(run):
    assert run.episode.videos['cam_high'].shape[0] == 93
    for name in ('contact_sheet.png', 'joints.png', 'video_cam_high.mp4'):
        assert (run.folder / name).stat().st_size > 5000


def test_says_that_the_checkpoint_is_not_evaluated(run):
    assert 'smoke-trained, not evaluated' in run.output
    assert run.episode.provenance['evaluation'] == 'smoke-trained, not evaluated'


def test_the_bag_holds_every_topic(run):
    arms = [topic for arm in PROFILE.arms for topic in (arm.command_topic, arm.feedback_topic)]
    wanted = [*arms, PROFILE.camera.topic, names.INSTRUCTION, names.EPISODE, names.GENERATED_VIDEO]
    wanted += [names.REQUESTED_TRAJECTORY, names.PLANNED_TRAJECTORY, names.REPLAY_STATE]
    wanted += [names.CLAMP_REPORT, f'{names.GENERATE_EPISODE}/_action/feedback']
    wanted += [f'{names.REPLAY_TRAJECTORY}/_action/feedback', names.DIAGNOSTICS.strip('/')]
    assert {f'/{topic}' for topic in wanted} <= set(run.topics)


def test_the_bag_holds_93_frames_and_points_at_the_planned_times(run):
    frames = run.topics[f'/{names.GENERATED_VIDEO}']
    points = only(run.topics[f'/{names.REQUESTED_TRAJECTORY}']).points
    assert len(frames) == len(points) == 93
    times = np.array([seconds(frame.header.stamp) for frame in frames])
    np.testing.assert_allclose(np.diff(times), 0.1, atol=1e-6)
    starts = [seconds(point.time_from_start) for point in points]
    np.testing.assert_allclose(starts, np.arange(93) / 10, atol=1e-9)


@pytest.mark.parametrize('arm', PROFILE.arms, ids=lambda arm: arm.name)
def test_the_bag_holds_every_command(run, arm):
    report = run.topics[f'/{names.CLAMP_REPORT}'][-1]
    expected = PROFILE.command_rate_hz * report.motion_duration
    assert len(run.topics[f'/{arm.command_topic}']) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize('arm', PROFILE.arms, ids=lambda arm: arm.name)
def test_commands_stay_within_limits_by_differences_over_their_stamps(run, arm):
    messages = run.topics[f'/{arm.command_topic}']
    time = np.array([m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in messages])
    joints = PROFILE.arm_slice(arm)
    position = np.array([PROFILE.from_driver(arm, m.position) for m in messages])
    step = np.diff(time)[:, None] * NANOSECOND
    assert np.all(step > 0)
    velocity = np.diff(position, axis=0) / step
    acceleration = np.diff(velocity, axis=0) / ((step[1:] + step[:-1]) / 2)
    slack = 1 + 1e-6
    assert np.all(position >= PROFILE.lower[joints] - 1e-9)
    assert np.all(position <= PROFILE.upper[joints] + 1e-9)
    assert np.all(np.abs(velocity) <= PROFILE.per_joint('max_velocity')[joints] * slack)
    assert np.all(np.abs(acceleration) <= PROFILE.per_joint('max_acceleration')[joints] * slack)


def test_the_arms_went_where_the_actions_say(run):
    for arm in PROFILE.arms:
        last = run.topics[f'/{arm.feedback_topic}'][-1]
        measured = PROFILE.from_driver(arm, last.position)
        wanted = run.episode.actions[-1][PROFILE.arm_slice(arm)]
        assert np.abs(measured - wanted)[:6].max() < PROFILE.safety.goal_tolerance


def test_the_commands_in_the_bag_pass_the_check_that_knows_no_planner(run):
    script = Path(__file__).parents[2] / 'benchmarks/recheck_bag.py'
    subprocess.run([sys.executable, str(script), str(run.bag)], check=True)


def test_the_actions_in_the_bag_are_the_checkpoints_own(run):
    message = only(run.topics[f'/{names.EPISODE}'])
    image = decode_image(bytes(message.conditioning_image.data))
    request = Request(image=image, instruction=message.instruction, seed=message.seed)
    checkpoint = load_checkpoint(message.checkpoint)
    assert checkpoint.hash == message.checkpoint_hash
    again = generate(checkpoint, [request])[0].actions
    recorded = np.array([point.positions for point in message.trajectory.points])
    np.testing.assert_allclose(recorded, again, atol=5e-6)
    # The overfitted checkpoint hardly heeds its noise; the tolerance must still tell seeds apart.
    other = generate(checkpoint, [replace(request, seed=message.seed + 1)])[0].actions
    assert np.abs(recorded - other).max() > 1e-5


def test_the_episode_rebuilt_from_the_bag_equals_the_saved_one(run, tmp_path):
    subprocess.run(
        [*VAG, 'bag', 'to-episode', str(run.bag), '--out', str(tmp_path / 'rebuilt')], check=True
    )
    rebuilt, saved = load_episode(tmp_path / 'rebuilt'), run.episode
    np.testing.assert_array_equal(rebuilt.actions, saved.actions)
    for field in ('episode_id', 'instruction', 'fps', 'embodiment', 'stamp_ns', 'provenance'):
        assert getattr(rebuilt, field) == getattr(saved, field), field
    assert rebuilt.conditioning_image == saved.conditioning_image
    assert rebuilt.conditioning_stamp_ns == saved.conditioning_stamp_ns
    error = rebuilt.videos['cam_high'].astype(float) - saved.videos['cam_high']
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 30


def test_the_bag_can_be_drawn(run, tmp_path):
    subprocess.run(
        [*VAG, 'bag', 'draw', str(run.bag), '--out', str(tmp_path / 'p.png')], check=True
    )
    assert decode_image((tmp_path / 'p.png').read_bytes()).shape[1] > 1000


def test_the_bag_says_how_it_was_made(run):
    metadata = yaml.safe_load((run.bag / 'metadata.yaml').read_text())
    custom = metadata['rosbag2_bagfile_information']['custom_data']
    provenance = run.episode.provenance
    assert custom['vag.instruction'] == run.episode.instruction
    assert custom['vag.seed'] == '3'
    assert custom['vag.checkpoint_hash'] == provenance['checkpoint_hash']
    assert custom['vag.robot_profile_hash'] == provenance['robot_profile_hash']
    assert json.loads(custom['vag.versions'])['python']


def test_a_refused_plan_ends_with_an_error_and_its_reason(domain_id, tmp_path):
    profile = to_mapping(PROFILE)
    profile['safety']['min_clearance_m'] = 1.0
    (tmp_path / 'wide.yaml').write_text(yaml.safe_dump(profile))
    process = start(tmp_path / 'output', domain_id, '--robot', str(tmp_path / 'wide.yaml'))
    output, _ = process.communicate(timeout=JOB_S)
    assert process.returncode == 1, output
    assert re.search(r'failed \(-13\): .*1.0000 m are required', output)
    topics = read_bag(Path(printed(output, 'bag')))
    assert f'/{PROFILE.arms[0].command_topic}' not in topics


class TestInterrupted:
    @pytest.fixture
    def process(self, domain_id, tmp_path):
        process = start(tmp_path, domain_id)
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    def interrupt(self, process: subprocess.Popen, tmp_path: Path) -> dict[str, list]:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130, output
        assert 'Traceback' not in output
        for log in tmp_path.glob('logs/*/*'):
            assert 'Traceback' not in log.read_text(), log
        (bag,) = (tmp_path / 'bags').iterdir()
        return read_bag(bag)

    def test_during_generation_the_bag_is_readable(self, process, client, tmp_path):
        from vag_ros.action._generate_episode import GenerateEpisode_FeedbackMessage

        seen = []
        client.node.create_subscription(
            GenerateEpisode_FeedbackMessage,
            f'{names.GENERATE_EPISODE}/_action/feedback',
            lambda message: seen.append(message.feedback.step),
            10,
        )
        client.wait(lambda: any(step >= 12 for step in seen), JOB_S, 'denoising')
        topics = self.interrupt(process, tmp_path)
        assert topics[f'/{PROFILE.camera.topic}']
        assert f'/{PROFILE.arms[0].command_topic}' not in topics

    def test_during_motion_the_arms_decelerate_and_hold(self, process, client, tmp_path):
        moving = []

        def watch(state: ReplayState) -> None:
            if state.phase == ReplayState.PHASE_EXECUTING and state.time_from_start > 2.0:
                moving.append(state)

        client.node.create_subscription(ReplayState, names.REPLAY_STATE, watch, names.STATE_QOS)
        client.wait(lambda: moving, JOB_S, 'motion')
        topics = self.interrupt(process, tmp_path)
        for arm in PROFILE.arms:
            messages = topics[f'/{arm.command_topic}']
            position = np.array([PROFILE.from_driver(arm, m.position) for m in messages])
            velocity = np.diff(position, axis=0) * PROFILE.command_rate_hz
            acceleration = np.diff(velocity, axis=0) * PROFILE.command_rate_hz
            joints = PROFILE.arm_slice(arm)
            limit = PROFILE.per_joint('max_acceleration')[joints] * (1 + 1e-6)
            assert np.all(np.abs(velocity[-1]) < 0.01)
            assert np.all(np.abs(acceleration) <= limit)
            feedback = topics[f'/{arm.feedback_topic}'][-1]
            measured = PROFILE.from_driver(arm, feedback.position)
            assert np.abs(measured - position[-1])[:6].max() < PROFILE.safety.goal_tolerance
        phases = [state.phase for state in topics[f'/{names.REPLAY_STATE}']]
        assert ReplayState.PHASE_DECELERATING in phases
        assert phases[-1] == ReplayState.PHASE_STOPPED
