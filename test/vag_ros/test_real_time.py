import json
import os
import subprocess
import sys
import threading

import pytest

from vag_ros import real_time

# Twice, from two threads, as a server does whose goals come to one of several threads.
TWICE = """
import json, os, threading, time
from vag_ros.real_time import real_time

ready, go_on, found = threading.Event(), threading.Event(), []

def policies():
    return sorted({os.sched_getscheduler(int(task)) for task in os.listdir('/proc/self/task')})

def stream():
    with real_time(20) as report:
        found.append([report, policies()])
    found.append(policies())

threading.Thread(target=go_on.wait, daemon=True).start()
for _ in range(2):
    thread = threading.Thread(target=stream)
    thread.start()
    thread.join()
stream()
print(json.dumps(found))
"""
WITHOUT_THE_CAPABILITY = ['setpriv', '--bounding-set=-sys_nice', '--inh-caps=-sys_nice', '--']
LIMIT = ['prlimit', '--rtprio=20:20', '--']


def test_nothing_is_asked_for_without_a_priority(monkeypatch):
    monkeypatch.delattr(os, 'sched_setscheduler')
    with real_time.real_time(0) as report:
        assert report == 'not asked for'


def test_a_refusal_is_said_and_changes_nothing(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, 'Operation not permitted')

    monkeypatch.setattr(os, 'sched_setscheduler', refuse)
    with real_time.real_time(20) as report:
        assert report.startswith('refused: [Errno 1] Operation not permitted')


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def limited():
    """Prefix of a command that has an rtprio limit of 20 and no CAP_SYS_NICE."""
    prefix = [*LIMIT, *([] if os.geteuid() else WITHOUT_THE_CAPABILITY)]
    probe = 'import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))'
    try:
        allowed = run([*prefix, sys.executable, '-c', probe])
        free = run([*prefix, sys.executable, '-c', 'import os; os.nice(-1)'])
    except FileNotFoundError as error:
        pytest.skip(f'{error.filename} is not installed')
    if allowed.returncode:
        pytest.skip('no rtprio limit can be set here: ' + allowed.stderr.strip()[-200:])
    if not free.returncode:
        pytest.skip('CAP_SYS_NICE can not be dropped here')
    return prefix


def test_with_an_rtprio_limit_alone_every_thread_gets_its_old_priority_back(limited):
    ended = run([*limited, sys.executable, '-c', TWICE])
    assert ended.returncode == 0, ended.stderr
    granted = ['SCHED_FIFO, priority 20', [os.SCHED_FIFO]]
    assert json.loads(ended.stdout) == 3 * [granted, [os.SCHED_OTHER]]


def test_what_was_granted_to_all_threads_is_said_and_given_back(monkeypatch):
    calls = []
    monkeypatch.setattr(os, 'sched_setscheduler', lambda *arguments: calls.append(arguments))
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        with real_time.real_time(20) as report:
            assert report == 'SCHED_FIFO, priority 20'
            asked = {thread: (policy, given.sched_priority) for thread, policy, given in calls}
            calls.clear()
    finally:
        ended.set()
        other.join()
    assert asked[0] == (os.SCHED_FIFO, 20)
    assert asked[other.native_id] == (os.SCHED_FIFO, 1)
    assert threading.get_native_id() not in asked
    given_back = {thread: policy for thread, policy, _ in calls}
    before = os.sched_getscheduler(0)
    # Threads of other tests come and go.
    assert (given_back[0], given_back[other.native_id]) == (before, before)
    assert threading.get_native_id() not in given_back
