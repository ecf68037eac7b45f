from types import SimpleNamespace

import numpy as np
import pytest

from vag_core.robot import load_profile
from vag_core.safety.feedback import Measured
from vag_core.safety.motion import Motion
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import make_plan
from vag_core.safety.request import TrajectoryRequest
from vag_ros import replay_stream
from vag_ros.replay_stream import new_schedule, stream
from vag_sim.clearance import TwinClearance


class Fake(SimpleNamespace):
    """A stand-in whose properties are its own."""


class Clock:
    """Time that passes only in sleep, so that a machine that stands still disturbs nothing."""

    def __init__(self):
        self.now = 10**12

    def monotonic_ns(self):
        return self.now

    def sleep(self, seconds):
        self.now += round(seconds * 1e9)


PROFILE = load_profile('sim')
LIMIT_NS = 50_000_000
SUSPENDED_S = 0.2


@pytest.fixture(scope='module')
def plan():
    times = np.arange(11) * 0.1
    positions = np.tile(PROFILE.home_position, (11, 1))
    positions[:, 0] += 0.05 * (1 - np.cos(2 * np.pi * times)) / 2
    request = TrajectoryRequest(PROFILE.joint_names, positions.tolist(), times.tolist())
    return make_plan(request, PROFILE, PROFILE.home_position, TwinClearance(PROFILE))


@pytest.mark.parametrize(('moment', 'sent'), [('before', 20), ('tick', 20), ('send', 21)])
def test_suspended_at_any_point_of_a_tick_it_sends_nothing_that_follows(
    plan, moment, sent, monkeypatch
):
    clock, commands = Clock(), []
    monkeypatch.setattr(replay_stream, 'time', clock)

    def suspend(where):
        if where == moment and len(commands) == 20:
            clock.sleep(SUSPENDED_S)

    def before_tick():
        suspend('before')
        late = len(commands) == 20
        return [Refusal(ErrorCode.CLIENT_LOST, 'lost meanwhile')] if late else []

    def stale(_):
        suspend('tick')

    def send(command, _):
        suspend('send')
        commands.append(command)

    motion = Motion(plan, PROFILE)
    feedback = Fake(stale=stale)
    type(feedback).latest = property(lambda _: Measured(motion.command, (1, 1)))
    stream(
        motion,
        feedback,
        Fake(send=send),
        new_schedule(PROFILE, 0),
        max_lateness_ns=LIMIT_NS,
        before_tick=before_tick,
    )
    assert motion.ending.code is ErrorCode.COMMAND_LATE
    assert len(commands) == sent
