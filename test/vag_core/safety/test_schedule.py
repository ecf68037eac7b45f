import itertools

from hypothesis import given
from hypothesis import strategies as st

from vag_core.safety.schedule import Schedule

PERIOD = 5_000_000


def run(latenesses):
    """Send each tick late by so much: (the schedule, stamps, times of sending)."""
    schedule = Schedule(PERIOD, now=1000, stamp_origin=70)
    stamps, sent = [], []
    for lateness in latenesses:
        stamps.append(schedule.stamp)
        sent.append(schedule.due + lateness)
        schedule.count(sent[-1])
    return schedule, stamps, sent


@given(st.lists(st.integers(0, 50 * PERIOD), min_size=2, max_size=50))
def test_stamps_are_equidistant_and_commands_never_catch_up(latenesses):
    _, stamps, sent = run(latenesses)
    assert stamps == [70 + k * PERIOD for k in range(len(stamps))]
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert min(gaps) >= (1 - Schedule.JITTER_SHARE) * PERIOD


def test_small_jitter_does_not_shift_the_schedule():
    _, _, sent = run([PERIOD // 5] * 100)
    assert sent[-1] == 1000 + 99 * PERIOD + PERIOD // 5


def test_a_late_tick_shifts_all_later_ones():
    _, _, sent = run([0, 3 * PERIOD, 0, 0])
    assert [moment - 1000 for moment in sent] == [0, 4 * PERIOD, 5 * PERIOD, 6 * PERIOD]


@given(st.lists(st.integers(0, 5 * PERIOD), min_size=1, max_size=50))
def test_the_delay_is_what_sending_has_moved_against_the_stamps(latenesses):
    schedule, _, _ = run(latenesses)
    assert schedule.due - 1000 == len(latenesses) * PERIOD + schedule.delay


def test_ticks_later_than_a_period_are_counted_with_the_largest_lateness():
    schedule, _, _ = run([0, PERIOD, PERIOD + 1, 3 * PERIOD])
    assert (schedule.sent, schedule.late_ticks, schedule.max_lateness) == (4, 2, 3 * PERIOD)


def test_a_rest_between_two_motions_is_no_delay_and_moves_due_time_and_stamp_alike():
    schedule, stamps, _ = run([0, 0, 0])
    rest = 700 * PERIOD
    schedule.resume(schedule.due + rest)
    assert schedule.stamp == stamps[-1] + PERIOD + rest
    assert schedule.delay == 0
    schedule.count(schedule.due)
    assert schedule.max_lateness == 0
    assert schedule.stamp == stamps[-1] + 2 * PERIOD + rest


def test_a_rest_that_ends_within_the_last_period_brings_no_tick_forward():
    schedule, stamps, _ = run([0, 0, 0])
    due = schedule.due
    schedule.resume(due - PERIOD // 2)
    assert schedule.due == due
    assert schedule.stamp == stamps[-1] + PERIOD
