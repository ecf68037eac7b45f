import os

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


def test_what_was_granted_is_said_and_given_back(monkeypatch):
    calls = []
    monkeypatch.setattr(os, 'sched_setscheduler', lambda *arguments: calls.append(arguments))
    before = os.sched_getscheduler(0)
    with real_time.real_time(20) as report:
        assert report == 'SCHED_FIFO, priority 20'
    (_, asked, parameter), (_, returned, _) = calls
    assert asked == os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    assert parameter.sched_priority == 20
    assert returned == before
