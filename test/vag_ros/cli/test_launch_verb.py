import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from node_processes import PATIENCE_S
from toy_package import up, wait_until

from vag_ros import names
from vag_ros.cli.launch import Printed, read_arguments
from vag_ros.msg import ReplayState

OUTPUT = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
LAUNCH = """
import sys
from vag_core.cli.main import main
from vag_ros import stack

def describe(_):
    names = sys.argv[1].split(',')
    return [stack.Process(name=n, package='toy', executable=n, parameters={}) for n in names]

stack.describe = describe
sys.exit(main(['launch', '--log-dir', sys.argv[2]]))
"""


@pytest.fixture
def launch(toy):
    """Start ``vag launch`` with some programs of the package toy instead of the stack."""
    started = []

    def launch(names):
        command = [sys.executable, '-c', LAUNCH, names, str(toy)]
        started.append(subprocess.Popen(command, text=True, **OUTPUT))
        return started[-1]

    yield launch
    for process in started:
        process.kill()
        process.wait()


def test_launch_arguments_are_read_as_ros2_launch_reads_them():
    assert read_arguments(['seed:=3', 'params_file:=a:=b']) == {'seed': '3', 'params_file': 'a:=b'}


@pytest.mark.parametrize(
    ('word', 'message'),
    [('seed=3', 'expected NAME:=VALUE'), ('sed:=3', 'sed: unknown; launch arguments are robot, ')],
)
def test_what_is_no_launch_argument_is_refused(word, message):
    with pytest.raises(ValueError, match=message):
        read_arguments([word])


def test_whole_lines_are_shown_once_with_the_name_of_their_node(tmp_path, capsys):
    printed = Printed(tmp_path, ['a', 'b'])
    (tmp_path / 'a.log').write_text('one\ntw')
    printed.show()
    assert capsys.readouterr().out.split() == ['a', 'one']
    (tmp_path / 'a.log').write_text('one\ntwo\n')
    printed.show()
    assert capsys.readouterr().out.split() == ['a', 'two']


def test_the_stack_runs_until_it_is_told_to_end(domain_id, client, tmp_path):
    states = []
    client.node.create_subscription(
        ReplayState, names.REPLAY_STATE, states.append, names.STATE_QOS
    )
    process = subprocess.Popen(
        [sys.executable, '-m', 'vag_core.cli.main', 'launch', 'checkpoint:=none'],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain_id)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    nodes = {'sim_robot', 'replay_server', 'recorder', 'generator', 'operator'}
    client.wait(lambda: nodes <= set(client.node.get_node_names()), what='every node')
    client.wait(lambda: states and states[-1].armed, what='the replay server')
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, printed
    assert 'all nodes ended in order' in printed
    assert 'robot sim, 200 Hz' in printed


def ending(process):
    printed, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, printed


def test_a_node_that_did_not_end_as_it_should_is_named_and_the_exit_code_is_1(launch, toy):
    process = launch('node,late')
    process.stdout.readline()
    wait_until(lambda: up(toy, 'node', 'late'))
    process.send_signal(signal.SIGINT)
    code, printed = ending(process)
    assert code == 1
    assert 'late has ended: exit code 1' in printed
    assert 'all nodes ended in order' not in printed


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_second_request_does_not_cut_the_end_short(launch, toy, number):
    process = launch('node')
    process.stdout.readline()
    wait_until(lambda: up(toy, 'node'))
    for _ in range(5):
        process.send_signal(number)
        time.sleep(0.01)
    code, printed = ending(process)
    assert (code, printed.splitlines()[-1].split(':')[0]) == (0, 'all nodes ended in order')
    assert 'ended in order' in (toy / 'node.log').read_text()


def test_asked_to_end_as_early_as_can_be_it_ends_without_a_traceback(launch, toy):
    process = launch('node')
    wait_until(lambda: caught(process.pid) >> (signal.SIGTERM - 1) & 1)
    process.send_signal(signal.SIGTERM)
    code, printed = ending(process)
    assert 'Traceback' not in printed
    if 'logs in' in printed:
        assert 'all nodes ended in order' in printed or 'killed by SIGINT' in printed
    else:
        assert (code, printed) == (0, 'vag launch: asked to end before anything was started\n')


def caught(pid):
    """Mask of the signals that a process has its own handlers for."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    return int(next(line for line in lines if line.startswith('SigCgt')).split()[1], 16)
