import os
import threading

from vag_ros import real_time


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
    assert asked[0] == (os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, 20)
    assert asked[other.native_id] == (os.SCHED_FIFO, 1)
    assert threading.get_native_id() not in asked
    before = os.sched_getscheduler(0)
    assert {thread: policy for thread, policy, _ in calls} == dict.fromkeys(asked, before)
