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


def at_speeds(playback, changes, ticks=10**6):
    """Play to the end; ``changes`` maps tick numbers to new speeds."""
    commands, speeds = [], []
    while not playback.at_rest and len(commands) < ticks:
        playback.speed = changes.get(len(commands), playback.speed)
        commands.append(playback.next())
        speeds.append(playback.path_speed)
    return np.array(commands), np.array(speeds)


@pytest.mark.parametrize(
    'changes', [{0: 0.3}, {300: 0.5}, {300: 0.0, 600: 1.0}, {0: 0.0, 50: 1.0, 400: 0.1, 900: 0.9}]
)
def test_a_changed_speed_keeps_the_limits_and_ends_where_the_plan_ends(
    profile, plan, playback, changes
):
    commands, speeds = at_speeds(playback, changes)
    velocity, acceleration = difference_peaks(commands, plan.period)
    assert (velocity <= profile.per_joint('max_velocity') + 1e-9).all()
    assert (acceleration <= profile.per_joint('max_acceleration') + 1e-6).all()
    np.testing.assert_array_equal(commands[-1], plan.positions[-1])
    assert len(commands) > len(plan.positions)
    assert np.abs(np.diff(speeds)).max() <= plan.period / 0.5 + 1e-9


def test_a_pause_comes_to_rest_is_no_end_and_goes_on_afterwards(playback):
    commands, speeds = at_speeds(playback, {300: 0.0}, ticks=600)
    assert speeds[-1] == 0.0
    np.testing.assert_array_equal(commands[-1], commands[-2])
    assert not playback.at_rest
    assert len(at_speeds(playback, {0: 1.0})[0]) > 1000


def test_half_speed_takes_twice_as_long_along_the_same_path(plan, playback):
    commands, _ = at_speeds(playback, {0: 0.5})
    assert len(commands) == pytest.approx(2 * len(plan.positions), abs=3)
    np.testing.assert_allclose(commands[1::2][:100], plan.positions[:100], atol=1e-9)


def test_braking_out_of_a_slow_passage_ends_the_motion(playback):
    at_speeds(playback, {0: 0.3}, ticks=500)
    playback.decelerate()
    assert len(play(playback)) < 200
    assert playback.path_speed == 0.0
