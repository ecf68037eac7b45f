from vag_core.safety.heartbeat import Heartbeat
from vag_core.safety.outcome import ErrorCode


def test_without_a_timeout_nobody_needs_to_beat():
    assert Heartbeat(0.0, 'beat').lost(10**12) is None


def test_a_heart_that_never_beat_or_stopped_is_lost():
    heartbeat = Heartbeat(0.5, 'beat')
    assert 'no heartbeat on beat' in heartbeat.lost(0).message
    heartbeat.beat(10**9)
    assert heartbeat.lost(1_400_000_000) is None
    lost = heartbeat.lost(1_600_000_000)
    assert lost.code is ErrorCode.CLIENT_LOST
    assert 'came 0.600 s ago' in lost.message
