"""The supervisor on small real processes, installed as executables of a ROS package."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from node_processes import PATIENCE_S
from toy_package import up, wait_until

from vag_ros import stack, supervisor
from vag_ros.stack import Process
from vag_ros.supervisor import ExecutableNotFoundError, Supervisor

SUPERVISE = """
import sys, time
from pathlib import Path
from vag_ros.stack import Process
from vag_ros.supervisor import Supervisor
processes = [Process(name=n, package='toy', executable='node', parameters={}) for n in 'ab']
try:
    with Supervisor(processes, Path(sys.argv[1])) as running:
        print(running.pid('a'), running.pid('b'), flush=True)
        while True:
            time.sleep(0.05)
except KeyboardInterrupt:
    print(running.exit_codes())
"""


def toy_process(name: str, **options) -> Process:
    return Process(name=name, package='toy', executable=name, parameters={}, **options)


def alive(pid: int) -> bool:
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_stop_interrupts_and_waits_for_the_orderly_end(toy):
    with Supervisor([toy_process('node')], toy) as running:
        wait_until(lambda: up(toy, 'node'))
        assert running.failed() is None
    assert running.exit_codes() == {'node': 0}
    assert 'ended in order' in (toy / 'node.log').read_text()
    assert running.failed() is None


def test_what_still_runs_or_has_failed_has_not_ended_as_it_should(toy):
    running = Supervisor([toy_process('node'), toy_process('broken')], toy)
    assert running.ended_wrong() == []
    with running:
        wait_until(running.failed)
        assert running.ended_wrong() == ['node still runs', 'broken has ended: exit code 3']
        wait_until(lambda: up(toy, 'node'))
    assert running.ended_wrong() == ['broken has ended: exit code 3']


def test_each_process_has_a_session_of_its_own(toy):
    with Supervisor([toy_process('node')], toy) as running:
        assert os.getsid(running.pid('node')) == running.pid('node') != os.getsid(0)
        wait_until(lambda: up(toy, 'node'))


def test_an_early_death_is_reported_with_name_exit_code_and_last_lines(toy):
    with Supervisor([toy_process('broken')], toy) as running:
        wait_until(running.failed)
        assert running.failed() == 'broken has ended: exit code 3\n    first\n    the reason'


def test_death_by_a_signal_names_the_signal(toy):
    with Supervisor([toy_process('node')], toy) as running:
        os.kill(running.pid('node'), signal.SIGKILL)
        wait_until(running.failed)
        assert running.failed().startswith('node has ended: killed by SIGKILL')


def test_a_process_to_respawn_comes_back(toy, monkeypatch):
    monkeypatch.setattr(supervisor, 'RESPAWN_MIN_LIFE_S', 0.0)
    monkeypatch.setattr(stack, 'RESPAWN_DELAY_S', 0.05)
    with Supervisor([toy_process('node', respawn=True)], toy) as running:
        wait_until(lambda: up(toy, 'node'))
        first = running.pid('node')
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: running.pid('node') != first)
        wait_until(lambda: (toy / 'node.log').read_text().count('up') == 2)
        assert [death.respawned for death in running.deaths()] == [True]
    assert running.exit_codes() == {'node': 0}


def test_a_process_that_dies_at_once_is_not_started_again(toy):
    with Supervisor([toy_process('broken', respawn=True)], toy) as running:
        wait_until(running.failed)
        assert [death.respawned for death in running.deaths()] == [False]


def test_a_process_that_can_not_go_by_its_configuration_is_not_started_again(toy, monkeypatch):
    monkeypatch.setattr(supervisor, 'RESPAWN_MIN_LIFE_S', 0.0)
    with Supervisor([toy_process('misconfigured', respawn=True)], toy) as running:
        wait_until(running.failed)
        assert [death.respawned for death in running.deaths()] == [False]


def test_whoever_ignores_the_interrupt_is_terminated_then_killed(toy, monkeypatch, capsys):
    monkeypatch.setattr(supervisor, 'SIGINT_PATIENCE_S', 0.2)
    monkeypatch.setattr(supervisor, 'SIGTERM_PATIENCE_S', 3.0)
    with Supervisor([toy_process('deaf'), toy_process('stuck')], toy) as running:
        wait_until(lambda: up(toy, 'deaf', 'stuck'))
    assert running.exit_codes() == {'deaf': 0, 'stuck': -signal.SIGKILL}
    assert 'terminated' in (toy / 'deaf.log').read_text()
    printed = capsys.readouterr().err
    assert 'deaf did not end: SIGTERM sent' in printed
    assert 'stuck did not end: SIGKILL sent' in printed


def test_a_log_that_can_not_be_written_ends_what_was_started(toy):
    (toy / 'second.log').mkdir(parents=True)
    second = Process(name='second', package='toy', executable='node', parameters={})
    running = Supervisor([toy_process('node'), second], toy)
    with pytest.raises(IsADirectoryError), running:
        pass
    assert running.exit_codes()['node'] is not None


def test_a_missing_executable_is_named_before_anything_starts(toy):
    with pytest.raises(ExecutableNotFoundError, match=r'absent: .*lib/toy/absent is not there'):
        Supervisor([toy_process('node'), toy_process('absent')], toy)
    assert not toy.exists()


def test_a_missing_package_is_named(toy):
    rviz = Process(name='rviz', package='no_such_package', executable='rviz', parameters={})
    with pytest.raises(ExecutableNotFoundError, match="package 'no_such_package'"):
        Supervisor([rviz], toy)


@pytest.fixture
def supervising(toy):
    """Run a supervisor of two nodes in a process of its own: the process and the nodes' ids."""
    process = subprocess.Popen(
        [sys.executable, '-c', SUPERVISE, str(toy)], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    wait_until(lambda: up(toy, 'a', 'b'))
    yield process, pids
    process.kill()
    process.wait()


def test_killing_the_supervisor_leaves_no_orphan(supervising):
    process, pids = supervising
    process.kill()
    wait_until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_second_request_to_end_does_not_cut_the_orderly_end_short(supervising, toy, number):
    process, pids = supervising
    process.send_signal(signal.SIGINT)
    wait_until(lambda: ignores(process.pid, number))
    process.send_signal(number)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert output.strip() == "{'a': 0, 'b': 0}"
    assert not any(map(alive, pids))
    for name in 'ab':
        assert 'ended in order' in (toy / f'{name}.log').read_text()


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f'/proc/{pid}/status').read_text()
    ignored = next(line for line in status.splitlines() if line.startswith('SigIgn'))
    return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)
