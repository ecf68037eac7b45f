import argparse

import pytest
from simulated_arms import SimulatedArms
from std_msgs.msg import Bool, String

from vag_ros import names
from vag_ros.cli import operator as verb


@pytest.fixture
def vag_operator(domain_id, monkeypatch, capsys):
    """Run the verb in the test's domain and return (exit code, what it printed)."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain_id))

    def run(*words):
        parser = argparse.ArgumentParser()
        verb.add_arguments(parser)
        code = verb.run(parser.parse_args([*words, '--timeout', '60']))
        printed = capsys.readouterr()
        return code, (printed.out + printed.err).strip()

    return run


def test_buttons_of_the_replay_server_are_pressed_and_refusals_are_told(
    vag_operator, launch_node, client
):
    launch_node('replay_server', robot='sim', dry_run=False)
    arms = SimulatedArms(client)
    client.wait(lambda: arms.states, what='the replay server')
    assert vag_operator('stop') == (0, 'latched; call vag/reset, then vag/arm')
    code, line = vag_operator('arm')
    assert code == 1
    assert line.startswith('refused: latched: vag/stop was called')
    assert vag_operator('reset')[0] == 0
    assert vag_operator('speed', '25') == (0, 'speed: 25 % of the plan')
    client.wait(lambda: arms.states[-1].speed_scaling_wanted == 0.25, what='the speed')
    arms.close()


def test_buttons_of_the_panel_are_pressed_and_the_instruction_comes_first(
    vag_operator, launch_node, client
):
    heard = []
    client.node.create_subscription(
        String, names.INSTRUCTION, lambda m: heard.append(m.data), names.LATCHED_QOS
    )
    launch_node('operator')
    assert vag_operator('approve') == (1, 'refused: the replay server is silent')
    code, line = vag_operator('generate', '--instruction', 'lift it')
    assert (code, line) == (1, 'refused: vag/generate_episode is not there')
    client.wait(lambda: heard == ['lift it'], what='the instruction')


def test_recording_is_switched(vag_operator, launch_node, client, tmp_path):
    said = []
    client.node.create_subscription(Bool, names.RECORDING, said.append, names.LATCHED_QOS)
    launch_node('recorder', bag_dir=str(tmp_path))
    assert vag_operator('record', 'off') == (0, 'recording off')
    client.wait(lambda: said and said[-1].data is False, what='what the recorder says')


def test_who_does_not_answer_is_named(domain_id, monkeypatch, capsys):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain_id))
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    assert verb.run(parser.parse_args(['stop', '--namespace', 'lab', '--timeout', '0.1'])) == 1
    assert 'nobody answers on /lab/vag/stop' in capsys.readouterr().err


def test_a_speed_beyond_the_plan_is_refused():
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    with pytest.raises(ValueError, match='percent = 500: must lie between 0 and 100'):
        verb.run(parser.parse_args(['speed', '500']))
