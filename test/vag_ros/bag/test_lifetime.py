import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_ros.bag.goals import GoalEvent
from vag_ros.bag.lifetime import LATE_EPISODE_S, BagLifetime, Step

TAIL, IDLE = 1.0, 100.0
STARTED, SUCCEEDED, FAILED = GoalEvent.STARTED, GoalEvent.SUCCEEDED, GoalEvent.FAILED
ENDINGS = st.sampled_from([SUCCEEDED, FAILED])


@pytest.fixture
def lifetime():
    return BagLifetime(TAIL, IDLE)


def generate(lifetime, begin, end, episode_id='a'):
    """Report a generation; without ``episode_id`` a failed one."""
    steps = lifetime.generation(STARTED, begin)
    if episode_id:
        lifetime.episode(episode_id, end)
    return steps + lifetime.generation(SUCCEEDED if episode_id else FAILED, end)


def begin_replay(lifetime, now, episode_id='a'):
    return lifetime.replay(STARTED, now) + lifetime.state(True, episode_id, now)


def end_replay(lifetime, now, episode_id='a'):
    return lifetime.state(False, episode_id, now) + lifetime.replay(SUCCEEDED, now)


def test_generation_and_its_replay_share_one_bag(lifetime):
    assert generate(lifetime, 0.0, 5.0) == [Step.OPEN_FOR_GENERATION]
    assert begin_replay(lifetime, 10.0) == []
    assert lifetime.tick(50.0) == []
    assert end_replay(lifetime, 60.0) == []
    assert lifetime.tick(60.0 + TAIL / 2) == []
    assert lifetime.tick(60.0 + TAIL) == [Step.CLOSE]


def test_a_failed_generation_closes_after_the_tail(lifetime):
    generate(lifetime, 0.0, 5.0, '')
    assert lifetime.tick(5.0 + TAIL) == [Step.CLOSE]


def test_an_episode_that_nobody_replays_closes_after_the_idle_time(lifetime):
    generate(lifetime, 0.0, 5.0)
    assert lifetime.tick(5.0 + TAIL) == []
    assert lifetime.tick(5.0 + IDLE) == [Step.CLOSE]


def test_a_replay_within_the_tail_of_another_gets_a_bag_of_its_own(lifetime):
    generate(lifetime, 0.0, 5.0)
    begin_replay(lifetime, 6.0)
    end_replay(lifetime, 7.0)
    assert begin_replay(lifetime, 7.1) == [Step.CLOSE, Step.OPEN_FOR_REPLAY]
    assert lifetime.episode_id == 'a'


def test_a_late_state_of_an_ended_replay_belongs_to_its_bag(lifetime):
    generate(lifetime, 0.0, 5.0)
    begin_replay(lifetime, 6.0)
    end_replay(lifetime, 7.0)
    assert lifetime.state(True, 'a', 7.1) == []
    assert lifetime.tick(7.0 + TAIL) == []
    assert lifetime.state(False, 'a', 8.5) == []
    assert lifetime.tick(8.5 + TAIL) == [Step.CLOSE]


def test_late_states_of_the_replay_before_do_not_name_the_bag_of_the_next(lifetime):
    generate(lifetime, 0.0, 5.0)
    begin_replay(lifetime, 6.0)
    lifetime.replay(SUCCEEDED, 7.0)
    assert lifetime.replay(STARTED, 7.1) == [Step.CLOSE, Step.OPEN_FOR_REPLAY]
    assert lifetime.state(True, 'a', 7.2) == []
    assert lifetime.state(False, 'a', 7.2) == []
    assert lifetime.state(True, 'b', 7.3) == []
    assert lifetime.episode_id == 'b'


def test_the_replay_of_another_episode_closes_a_bag_that_waits_for_its_own(lifetime):
    generate(lifetime, 0.0, 5.0)
    assert begin_replay(lifetime, 6.0, 'older') == [Step.CLOSE, Step.OPEN_FOR_REPLAY]
    assert lifetime.episode_id == 'older'


def test_the_next_generation_closes_the_bag_before_it(lifetime):
    generate(lifetime, 0.0, 5.0)
    assert lifetime.generation(STARTED, 6.0) == [Step.CLOSE, Step.OPEN_FOR_GENERATION]


def test_a_generation_waits_until_the_episode_of_the_last_has_come(lifetime):
    lifetime.generation(STARTED, 0.0)
    lifetime.generation(SUCCEEDED, 5.0)
    assert lifetime.generation(STARTED, 5.1) == []
    lifetime.episode('a', 5.2)
    assert lifetime.episode_id == 'a'
    assert lifetime.tick(5.3) == [Step.CLOSE, Step.OPEN_FOR_GENERATION]
    assert lifetime.episode_id == ''


def test_an_episode_that_never_comes_is_not_waited_for_longer_than_it_may_be_late(lifetime):
    lifetime.generation(STARTED, 0.0)
    lifetime.generation(SUCCEEDED, 5.0)
    begin_replay(lifetime, 5.1)
    end_replay(lifetime, 5.2)
    assert lifetime.tick(5.2 + TAIL) == []
    assert lifetime.tick(5.0 + LATE_EPISODE_S) == [Step.CLOSE]


def test_a_generation_during_a_replay_waits_for_its_end(lifetime):
    generate(lifetime, 0.0, 5.0)
    begin_replay(lifetime, 6.0)
    assert lifetime.generation(STARTED, 7.0) == []
    assert end_replay(lifetime, 8.0) == [Step.CLOSE, Step.OPEN_FOR_GENERATION]
    assert lifetime.tick(8.0 + IDLE) == []
    lifetime.generation(SUCCEEDED, 9.0)
    assert lifetime.tick(9.0 + IDLE) == [Step.CLOSE]


def test_an_episode_generated_during_a_replay_names_its_own_bag(lifetime):
    generate(lifetime, 0.0, 5.0)
    begin_replay(lifetime, 6.0)
    assert generate(lifetime, 6.5, 7.0, 'b') == []
    assert lifetime.episode_id == 'a'
    assert end_replay(lifetime, 8.0) == [Step.CLOSE, Step.OPEN_FOR_GENERATION]
    assert lifetime.episode_id == 'b'
    assert lifetime.tick(8.0 + IDLE) == [Step.CLOSE]


def test_a_generation_that_fails_during_a_replay_gets_no_bag(lifetime):
    generate(lifetime, 0.0, 5.0)
    begin_replay(lifetime, 6.0)
    generate(lifetime, 6.5, 7.0, '')
    assert end_replay(lifetime, 8.0) == []
    assert lifetime.tick(8.0 + TAIL) == [Step.CLOSE]


def test_a_replay_of_an_older_episode_does_not_end_the_bag_of_a_running_generation(lifetime):
    generate(lifetime, -9.0, -8.0, 'older')
    lifetime.generation(STARTED, 0.0)
    begin_replay(lifetime, 1.0, 'older')
    end_replay(lifetime, 2.0, 'older')
    assert lifetime.tick(2.0 + TAIL) == []
    lifetime.episode('a', 5.0)
    lifetime.generation(SUCCEEDED, 5.0)
    assert begin_replay(lifetime, 6.0) == []
    assert lifetime.episode_id == 'a'
    end_replay(lifetime, 7.0)
    assert lifetime.tick(7.0 + TAIL) == [Step.CLOSE]


@given(st.data())
def test_an_episode_and_its_replay_share_one_bag_whichever_report_lags(data):
    lifetime, now = BagLifetime(TAIL, IDLE), 0.0
    sources = [
        [(lifetime.generation, SUCCEEDED)],
        [(lifetime.episode, 'a')],
        [(lifetime.replay, STARTED), (lifetime.replay, data.draw(ENDINGS))],
        [(lifetime.state, moving, 'a') for moving in (False, True, True, False, False)],
    ]
    steps = lifetime.generation(STARTED, now)
    while any(sources):
        report, *arguments = data.draw(st.sampled_from([s for s in sources if s])).pop(0)
        now += data.draw(st.floats(0.0, TAIL / 20))
        steps += report(*arguments, now) or []
        steps += lifetime.tick(now)
    assert steps == [Step.OPEN_FOR_GENERATION]
    assert lifetime.episode_id == 'a'
    assert lifetime.tick(now + TAIL) == [Step.CLOSE]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(['generation', 'replay', 'state', 'episode', 'tick']),
            st.sampled_from(GoalEvent),
            st.sampled_from('abc'),
            st.floats(0.0, 200.0),
        ),
        max_size=40,
    )
)
def test_steps_always_alternate_between_opening_and_closing(reports):
    lifetime, now, is_open = BagLifetime(TAIL, IDLE), 0.0, False
    for source, event, episode_id, wait in reports:
        now += wait
        arguments = {
            'state': (event is STARTED, episode_id),
            'episode': (episode_id,),
            'tick': (),
        }.get(source, (event,))
        for step in getattr(lifetime, source)(*arguments, now) or []:
            assert (step is Step.CLOSE) == is_open
            is_open = step is not Step.CLOSE
        assert lifetime.is_open == is_open
