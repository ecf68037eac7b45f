import os
import signal
import subprocess
import sys

import pytest
from node_processes import PATIENCE_S

from vag_ros import names
from vag_ros.cli.launch import Printed, read_arguments
from vag_ros.msg import ReplayState


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
