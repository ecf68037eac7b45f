"""Whole sessions of an operator in RViz, over the real nodes."""

import json
import signal

import pytest
from node_processes import Client, node_launcher, reserved_domain
from rclpy.action import ActionClient
from rviz_client import RvizClient
from sensor_msgs.msg import CompressedImage
from simulated_arms import PROFILE, SimulatedArms, settle
from test_operator import GREY, an_episode

from vag_core import resources
from vag_core.configuration import load, read_yaml
from vag_core.images import encode_png
from vag_ros import convert, msg, names
from vag_ros.action import GenerateEpisode

LIFT = 'pick up the red cube with the left arm'


@pytest.fixture(scope='module')
def calm_checkpoint(tmp_path_factory):
    """Write a checkpoint of random weights whose actions stay near the home pose."""
    from vag_core.checkpoint import CheckpointConfig, save_checkpoint
    from vag_core.model.normaliser import Normaliser
    from vag_core.model.vag import Vag, VagConfig

    sizes = read_yaml(resources.find('config/models/test.yaml'))['model']
    middle = (PROFILE.lower + PROFILE.upper) / 2
    mean = PROFILE.home_position + 0.05 * (middle - PROFILE.home_position)
    cfg = CheckpointConfig(
        model=load(VagConfig, sizes),
        embodiment=PROFILE.as_embodiment(),
        normaliser=Normaliser(mean=tuple(mean.tolist()), std=(1e-4,) * 14),
        camera='cam_high',
        fps=10.0,
        evaluation='random weights',
    )
    folder = tmp_path_factory.mktemp('checkpoints') / 'calm'
    return save_checkpoint(folder, cfg, Vag(cfg.model))


@pytest.fixture(scope='module')
def stage(tmp_path_factory, calm_checkpoint):
    """Arms that may move, every node of the job, a camera."""
    folder = tmp_path_factory.mktemp('session')
    with reserved_domain() as domain, node_launcher(domain, folder) as launch:
        launch('replay_server', robot='sim', dry_run=False, approval='auto')
        launch(
            'generator',
            checkpoint=str(calm_checkpoint),
            output_dir=str(folder / 'episodes'),
            torch_threads=1,
        )
        launch('recorder', bag_dir=str(folder / 'bags'))
        operator = launch('operator')
        client = Client(domain)
        camera = client.node.create_publisher(
            CompressedImage, PROFILE.camera.topic, names.CAMERA_QOS
        )
        image = convert.to_compressed(encode_png(GREY))
        client.node.create_timer(0.05, lambda: camera.publish(image))
        arms = SimulatedArms(client)
        client.wait(lambda: arms.states, what='the replay server')
        client.meet('replay_server')
        yield client, arms, launch, operator
        arms.close()
        client.close()


@pytest.fixture
def open_rviz(stage):
    """Open RViz as ``open_rviz('name')``; each is closed after the test."""
    client, *_ = stage
    opened = []

    def open_one(name='rviz'):
        opened.append(RvizClient(client, name))
        return opened[-1]

    yield open_one
    for rviz in opened:
        rviz.close()


@pytest.fixture
def session(stage, open_rviz):
    client, arms, *_ = stage
    arms.be_ready()
    return client, arms, open_rviz()


def test_a_whole_session_generates_previews_approves_replays_stops_and_resets(session, open_rviz):
    _, arms, rviz = session
    rviz.choose(LIFT)
    rviz.wait_for_text(f'instruction: {LIFT}')
    rviz.click('generate')
    plan = rviz.button('approve')
    rviz.wait_for_text('clearance: ')
    assert rviz.wait_for_text('PLAN ON SHOW')
    assert 'replay' not in rviz.buttons
    assert arms.count == 0
    rviz.send(plan)
    rviz.send(plan)
    rviz.wait_for_text('APPROVED')
    late = open_rviz('late')
    assert late.text[0].startswith('APPROVED')
    assert late.button('replay').control_name == rviz.button('replay').control_name
    assert arms.count == 0
    rviz.click('replay')
    arms.wait_for_commands(20)
    late.click('stop')
    rviz.wait_for_text('LATCHED: vag/stop was called')
    rviz.button('reset')
    assert {'stop', 'reset'} <= rviz.buttons
    assert not {'plan', 'approve', 'replay', 'arm'} & rviz.buttons
    rviz.click('reset')
    rviz.click('arm')
    rviz.wait_for_text('IDLE  |  armed')
    rviz.click('disarm')
    rviz.wait_for_text('IDLE  |  disarmed')


def test_the_menu_sets_the_speed_of_the_replay_server_and_marks_what_that_says(session):
    client, arms, rviz = session
    for choice, share in (('25 %', 0.25), ('100 %', 1.0)):
        rviz.choose(choice)
        client.wait(lambda s=share: arms.states[-1].speed_scaling_wanted == s, what=choice)
        client.wait(lambda c=choice: c in rviz.marked, what=f'the mark on {choice}')
        told = any('of the plan' in line for line in rviz.text)
        assert told == (share < 1), rviz.text


def test_the_menu_switches_the_recorder_and_marks_what_that_says(session):
    client, _, rviz = session
    for choice, told in (('off', True), ('on', False)):
        rviz.choose(choice)
        client.wait(lambda c=choice: c in rviz.marked, what=f'the mark on {choice}')
        assert ('NOT RECORDING' in rviz.text[0]) == told


def test_the_menu_disarms_and_arms_and_marks_what_holds(session):
    client, _, rviz = session
    client.wait(lambda: 'armed' in rviz.marked, what='the mark on armed')
    for choice in ('disarmed', 'armed'):
        rviz.choose(choice)
        rviz.wait_for_text(f'IDLE  |  {choice}')
        client.wait(lambda c=choice: c in rviz.marked, what=f'the mark on {choice}')


def test_steps_guidance_and_seed_of_the_menu_reach_the_episode(session):
    client, _, rviz = session
    episodes = []
    client.node.create_subscription(msg.Episode, names.EPISODE, episodes.append, names.LATCHED_QOS)
    for choice in (LIFT, '10', '3'):
        rviz.choose(choice)
    rviz.click('generate')

    def made_as_chosen(episode):
        made = json.loads(episode.provenance_json)
        return (made['steps'], made['guidance']) == (10, 3.0)

    def made(count):
        found = {e.episode_id: e for e in episodes if made_as_chosen(e)}
        return list(found.values())[count - 1 : count]

    (first,) = client.wait(lambda: made(1), what='an episode of 10 steps')
    rviz.wait_for_text(f'episode: {first.episode_id}')
    rviz.button('approve')
    rviz.click('discard')
    rviz.choose("same as the displayed episode's")
    rviz.click('generate')
    (second,) = client.wait(lambda: made(2), what='another one')
    assert json.loads(second.provenance_json)['seed'] == first.seed
    rviz.choose('new')
    rviz.button('approve')
    rviz.click('stop')
    rviz.wait_for_text('LATCHED')


def generate_for_long(client):
    """Send the generator a goal, as a script might."""
    generator = ActionClient(client.node, GenerateEpisode, names.GENERATE_EPISODE)
    client.wait(generator.server_is_ready, what='the generator')
    client.meet('generator')
    goal = GenerateEpisode.Goal(instruction=LIFT, steps=1000)
    assert client.request(generator.send_goal_async, goal).accepted


def test_the_video_on_show_is_that_of_the_plan_and_ends_with_the_episode(session):
    client, _, rviz = session
    previews = []
    client.node.create_subscription(
        CompressedImage, names.PREVIEW_VIDEO, previews.append, names.STATE_QOS
    )
    rviz.choose(LIFT)
    rviz.click('generate')
    rviz.button('approve')
    rviz.send_click('generate', 'generate:')
    rviz.wait_for_text('awaits approval; discard it first')
    generate_for_long(client)
    rviz.wait_for_text('generating: denoising')
    client.wait(lambda: not {'approve', 'replay'} & rviz.buttons, what='no button for the plan')
    assert rviz.button('discard').control_name == 'discard:generation'
    rviz.click('discard')

    def canceled():
        # A server that has just begun may know of a generation before it can cancel it: it says
        # so, and the operator clicks again.
        line = rviz.wait_for_text('canceled')
        if 'not canceled' in line:
            rviz.click('discard')
        return 'is canceled' in line

    client.wait(canceled, what='the end of the generation')
    rviz.button('approve')
    seen = len(previews)
    client.wait(lambda: len(previews) > seen + 5, what='the loop of the episode before')
    rviz.click('discard')
    rviz.wait_for_text('IDLE')
    rviz.click('discard')
    rviz.wait_for_text('is off display')

    def quiet():
        seen = len(previews)
        settle(0.5)
        return len(previews) == seen

    client.wait(quiet, what='the end of the loop')


def test_a_plan_can_be_approved_once_its_report_has_come(launch_node, client):
    launch_node('operator')
    rviz = RvizClient(client)
    states, reports, episodes = (
        client.node.create_publisher(kind, topic, qos)
        for kind, topic, qos in (
            (msg.ReplayState, names.REPLAY_STATE, names.STATE_QOS),
            (msg.ClampReport, names.CLAMP_REPORT, names.LATCHED_QOS),
            (msg.Episode, names.EPISODE, names.LATCHED_QOS),
        )
    )
    episodes.publish(an_episode('shown'))
    awaiting = msg.ReplayState(
        phase=msg.ReplayState.PHASE_AWAITING_APPROVAL,
        phase_name='AWAITING_APPROVAL',
        armed=True,
        episode_id='shown',
        plan_id='p',
    )
    client.node.create_timer(0.1, lambda: states.publish(awaiting))
    reports.publish(msg.ClampReport(plan_id='the one before'))
    rviz.wait_for_text('PLAN ON SHOW: its report has not come yet')
    assert 'approve' not in rviz.buttons
    rviz.send_click('approve', 'approve:p')
    rviz.wait_for_text("approve refused: the planner's report on plan p has not come")
    reports.publish(msg.ClampReport(plan_id='p', time_scale=1.0))
    rviz.click('approve')
    rviz.wait_for_text('APPROVED')


def test_stale_clicks_are_refused_and_say_so(session, stage):
    client, arms, rviz = session
    episodes = client.node.create_publisher(msg.Episode, names.EPISODE, names.LATCHED_QOS)
    client.wait(episodes.get_subscription_count, what='the operator')
    episodes.publish(an_episode('first'))
    rviz.wait_for_text('episode: first')
    rviz.click('plan')
    old_approve = rviz.button('approve')
    rviz.click('discard')
    rviz.wait_for_text('IDLE')
    rviz.send(old_approve)
    rviz.wait_for_text('approve refused: approve was clicked for')
    rviz.click('plan')
    client.wait(
        lambda: (
            'approve' in rviz.markers
            and rviz.button('approve').control_name != old_approve.control_name
        ),
        what='the second plan',
    )
    rviz.send(old_approve)
    rviz.wait_for_text('approve refused: approve was clicked for')
    rviz.click('approve')
    old_replay = rviz.button('replay')
    rviz.click('discard')
    rviz.wait_for_text('IDLE')
    rviz.send(old_replay)
    rviz.wait_for_text('replay refused: replay was clicked for')
    assert arms.count == 0


def test_two_clients_see_the_same_and_one_that_lost_a_change_asks_again(session, open_rviz):
    client, _, first = session
    second = open_rviz('second')
    second.sequence -= 1
    first.choose("same as the displayed episode's")
    first.wait_for_text('chosen: seed: same as')
    second.wait_for_text('chosen: seed: same as')
    client.wait(lambda: second.sequence == first.sequence, what='both at one number')
    assert second.initialised == 2
    assert second.markers == first.markers


def test_a_restarted_server_is_noticed_and_shows_the_state_as_it_is(stage, session):
    _, _, launch, operator = stage
    client, _, rviz = session
    before = rviz.initialised
    generate_for_long(client)
    assert operator.end(signal.SIGINT) == 0
    client.wait(lambda: not rviz.markers, what='nothing shown without a server')
    launch('operator')
    client.wait(lambda: rviz.initialised > before, what='the new server')
    rviz.wait_for_text('IDLE  |  armed')
    assert 'stop' in rviz.buttons
    client.wait(
        lambda: rviz.button('discard').control_name == 'discard:generation', what='the generation'
    )
    rviz.click('discard')
    rviz.wait_for_text('the generation is canceled')
