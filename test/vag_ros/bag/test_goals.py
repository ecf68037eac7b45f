import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_ros.bag.goals import GoalEvent, Goals, GoalState

STARTED, SUCCEEDED, FAILED = GoalEvent.STARTED, GoalEvent.SUCCEEDED, GoalEvent.FAILED


def said(accepted_ns=0, **goals):
    """Return the status message of a server with these goals, accepted 1 ns after each other."""
    return {
        name.encode(): GoalState(event, accepted_ns + k)
        for k, (name, event) in enumerate(goals.items())
    }


def test_a_goal_seen_only_after_its_end_is_news_once_the_history_has_ended():
    goals = Goals()
    goals.begin()
    assert goals.update(said(a=FAILED)) == [STARTED, FAILED]


def test_goals_that_ended_before_the_first_status_are_history():
    assert Goals().update(said(a=SUCCEEDED, b=FAILED)) == []


def test_a_goal_starts_and_ends_once():
    goals = Goals()
    assert goals.update({}) == []
    assert goals.update(said(a=STARTED)) == [STARTED]
    assert goals.update(said(a=STARTED)) == []
    assert goals.update(said(a=SUCCEEDED)) == [SUCCEEDED]
    assert goals.update(said(a=SUCCEEDED)) == []


def test_a_goal_refused_while_another_runs_is_no_event():
    goals = Goals()
    goals.update(said(a=STARTED))
    assert goals.update(said(a=STARTED, b=STARTED)) == []
    assert goals.update(said(a=STARTED, b=FAILED)) == []
    assert goals.update(said(a=SUCCEEDED, b=FAILED)) == [SUCCEEDED]


def test_a_goal_refused_between_two_status_messages_counts():
    goals = Goals()
    goals.update(said(a=SUCCEEDED))
    assert goals.update(said(a=SUCCEEDED, b=FAILED)) == [STARTED, FAILED]


def test_a_goal_whose_server_is_gone_has_failed_and_stays_so():
    goals = Goals()
    goals.update(said(a=STARTED))
    assert goals.lose() == [FAILED]
    assert goals.lose() == []
    assert goals.update(said(a=STARTED)) == []


def test_a_goal_of_a_new_server_ends_that_of_the_server_before_it():
    goals = Goals()
    goals.update(said(10, a=STARTED))
    assert goals.update(said(20, b=STARTED)) == [FAILED, STARTED]
    assert goals.update(said(10, a=STARTED)) == []
    assert goals.update(said(20, b=SUCCEEDED)) == [SUCCEEDED]


@pytest.mark.parametrize('event', GoalEvent)
def test_last_words_of_an_earlier_server_change_nothing(event):
    goals = Goals()
    goals.update(said(20, a=STARTED))
    assert goals.update(said(10, x=event)) == []
    assert goals.update({}) == []
    assert goals.update(said(20, a=SUCCEEDED)) == [SUCCEEDED]


def test_one_message_may_end_a_goal_and_start_the_next():
    goals = Goals()
    goals.update(said(a=STARTED))
    assert goals.update(said(a=FAILED, b=STARTED)) == [FAILED, STARTED]


@given(st.data())
def test_each_goal_starts_and_ends_once_whatever_is_repeated_lost_or_late(data):
    goals, heard = Goals(), []
    goals.begin()
    number = data.draw(st.integers(1, 4))
    status = {}
    for k in range(number):
        for event in (STARTED, STARTED, data.draw(st.sampled_from([SUCCEEDED, FAILED]))):
            status = {**status, b'%d' % k: GoalState(event, 100 + k)}
            # Only the newest message of a publisher is kept for a slow reader.
            for _ in range(data.draw(st.integers(0, 2)) if event is STARTED else 1):
                heard += goals.update(status)
            stale = data.draw(st.sampled_from([None, SUCCEEDED, FAILED]))
            if heard and stale is not None:
                heard += goals.update(said(50, x=stale))
    assert heard[::2] == [STARTED] * number
    assert heard[1::2] == [status[b'%d' % k].event for k in range(number)]
