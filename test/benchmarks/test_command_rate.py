import numpy as np
import pytest
from command_rate import judge, met

PERIOD_NS = 5_000_000


def report(lost=(), late_ms=0.0, count=4001):
    """What comes of so many commands of which some were lost, and one was late."""
    stamps = np.arange(count) * PERIOD_NS
    published = stamps + round(late_ms * 1e6) * (np.arange(count) >= 100)
    kept = np.delete(np.arange(count), lost)
    return judge(stamps[kept], published[kept], published[kept] + 10**6, count)


def test_an_even_stream_meets_the_demand_and_a_late_command_does_not():
    assert met(report())
    assert report()['interval_ms'] == {'p50': 5.0, 'p99': 5.0, 'max': 5.0}
    assert met(report(late_ms=19.9))
    late = report(late_ms=20.1)
    assert not met(late)
    assert late['over_25_ms'] == 1


@pytest.mark.parametrize(('lost', 'enough'), [([7, 8, 50], True), (range(200, 206), False)])
def test_lost_commands_are_counted_and_too_many_of_them_fail(lost, enough):
    found = report(lost=list(lost))
    assert found['commands_lost'] == len(lost)
    assert found['interval_ms']['max'] == 5.0
    assert found['intervals_not_judged'] == (2 if enough else 1)
    assert met(found) == enough
