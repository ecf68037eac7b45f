import dataclasses
from types import SimpleNamespace

import pytest

from vag_core.robot import load_profile
from vag_core.safety.gate import Gate
from vag_ros.replay_arming import Arming


class Bench:
    """An arming whose robot is as a test wants it, and a clock that the test turns."""

    def __init__(self, profile, *, contact=True, opened=()):
        self.gate, self.time = Gate(), 100.0
        fine = SimpleNamespace(
            stale=lambda _: None, problem=lambda _: None, lost=lambda _: None, clear=lambda: None
        )
        listener = SimpleNamespace(feedback=fine, status=fine, heartbeat=fine)
        commander = SimpleNamespace(unheard=list, conflict=lambda: None)
        self.meanwhile = lambda: None
        services = SimpleNamespace(
            open_gates=lambda: self.meanwhile() or list(opened), close_gates=lambda: None
        )
        self.arming = Arming(
            profile,
            self.gate,
            listener,
            commander,
            services,
            contact=contact,
            now=lambda: self.time,
        )


@pytest.fixture
def profile():
    return dataclasses.replace(load_profile('sim'), checklist=('leader unplugged',))


def test_the_second_call_confirms_the_checklist_when_there_was_time_to_read_it(profile):
    bench = Bench(profile)
    assert 'leader unplugged' in bench.arming.arm()[0]
    bench.time += 0.5
    assert bench.arming.arm(), 'too quick'
    bench.time += 2.0
    assert not bench.arming.arm()
    assert bench.gate.armed


def test_a_confirmation_that_comes_too_late_is_asked_for_again(profile):
    bench = Bench(profile)
    bench.arming.arm()
    bench.time += 500.0
    assert bench.arming.arm()
    assert not bench.gate.armed


def test_every_arming_asks_anew(profile):
    bench = Bench(profile)
    bench.arming.arm()
    bench.time += 2.0
    assert not bench.arming.arm()
    bench.gate.disarm()
    assert bench.arming.arm()


def test_a_dry_run_reaches_no_driver_and_asks_nothing(profile):
    bench = Bench(profile, contact=False, opened=['never called'])
    assert not bench.arming.arm()


def test_a_gate_that_stays_shut_keeps_it_disarmed(profile):
    bench = Bench(dataclasses.replace(profile, checklist=()), opened=['stuck'])
    assert bench.arming.arm() == ['stuck']
    assert not bench.gate.armed


@pytest.mark.parametrize(
    ('what', 'said'),
    [
        (lambda gate: gate.disarm(), 'disarmed while the arming went on'),
        (lambda gate: gate.latch('stopped'), 'latched: stopped'),
        (lambda gate: (gate.latch('stopped'), gate.reset()), 'disarmed while the arming went on'),
    ],
    ids=['disarm', 'stop', 'stop and reset'],
)
def test_what_forbids_motion_while_the_gates_open_is_not_undone(profile, what, said):
    bench = Bench(dataclasses.replace(profile, checklist=()))
    bench.meanwhile = lambda: what(bench.gate) and None
    assert said in bench.arming.arm()[0]
    assert not bench.gate.armed


@pytest.mark.parametrize('name', ['agilex', 'agilex_piper_ros', 'agilex_ros1'])
def test_a_real_robot_is_not_armed_before_its_workcell_is_measured(name):
    bench = Bench(load_profile(name))
    (problem,) = bench.arming.arm()
    assert 'has no workcell' in problem
