import numpy as np
import pytest

from vag_core.safety.plan import difference_peaks, make_plan
from vag_core.safety.playback import Playback


@pytest.fixture
def plan(profile, wave):
    return make_plan(wave, profile, profile.home_position)


@pytest.fixture
def playback(profile, plan):
    return Playback(plan.positions, plan.period, profile.per_joint('max_acceleration'))


def play(playback, ticks=10**9):
    commands = []
    while not playback.at_rest and len(commands) < ticks:
        commands.append(playback.next())
    return commands


def test_undisturbed_it_is_the_plan_tick_by_tick(plan, playback):
    np.testing.assert_array_equal(play(playback), plan.positions)


def test_braking_keeps_the_limits_and_ends_within_a_second(profile, plan, playback):
    commands = play(playback, ticks=700)
    playback.decelerate()
    stopping = play(playback)
    assert 1 < len(stopping) < 200
    velocity, acceleration = difference_peaks(np.array(commands + stopping), plan.period)
    assert (velocity <= profile.per_joint('max_velocity') + 1e-9).all()
    assert (acceleration <= profile.per_joint('max_acceleration') + 1e-6).all()


def test_braking_stays_on_the_path(plan, playback):
    play(playback, ticks=500)
    playback.decelerate()
    for command in play(playback):
        distance = np.abs(plan.positions - command).max(axis=1).min()
        assert distance < np.abs(np.diff(plan.positions, axis=0)).max()


def test_at_rest_it_holds(playback):
    play(playback, ticks=500)
    playback.decelerate()
    last = play(playback)[-1]
    np.testing.assert_array_equal(playback.next(), last)


def test_stopped_before_its_first_tick_it_never_moves(plan, playback):
    playback.decelerate()
    np.testing.assert_array_equal(playback.next(), plan.positions[0])
    assert playback.at_rest


def test_path_time_runs_with_the_ticks_and_slower_while_braking(plan, playback):
    play(playback, ticks=301)
    assert playback.path_time == pytest.approx(300 * plan.period)
    playback.decelerate()
    stopping = play(playback)
    assert playback.path_time < (300 + len(stopping)) * plan.period
