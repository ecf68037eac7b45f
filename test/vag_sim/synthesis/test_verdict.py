import numpy as np
import pytest

from vag_sim.replay import Verdict
from vag_sim.synthesis.verdict import Outcome, consistency, judge


def verdict(success=True, refused='', left=1.0):
    travel = {'left': left, 'right': 0.0}
    return Verdict('lift_tray', 1, 'lift', success, refused, {'height_m': 0.01}, travel_rad=travel)


@pytest.mark.parametrize(
    ('found', 'agreement', 'outcome', 'reason'),
    [
        (verdict(), 20.0, Outcome.KEPT, ''),
        (
            verdict(False, 'left_joint1 is too far'),
            None,
            Outcome.REFUSED,
            'joint1',
        ),
        (verdict(success=False, left=0.01), 20.0, Outcome.STILL, 'travel of left: 0.0100 rad'),
        (verdict(success=False), 20.0, Outcome.FAILED, 'height_m = 0.0100'),
        (verdict(), 9.9, Outcome.INCONSISTENT, '9.90 dB, at least 10 dB'),
        (verdict(), float('nan'), Outcome.INCONSISTENT, 'nothing moves'),
    ],
)
def test_a_verdict_has_an_outcome_and_its_reason(found, agreement, outcome, reason):
    judgement = judge(found, ('left',), agreement, 10.0)
    assert judgement.outcome is outcome
    assert reason in judgement.reason
    assert bool(judgement.reason) is (outcome is not Outcome.KEPT)


def test_only_the_arms_that_were_asked_for_count_as_moving():
    found = judge(verdict(success=False), ('right',), 20.0, 10.0)
    assert found.outcome is Outcome.STILL


def test_agreement_is_measured_where_either_video_moves():
    still = np.full((2, 4, 4, 3), 100, np.uint8)
    moved = still.copy()
    moved[1, 0, 0] = 200
    assert consistency(moved, moved) == 58.9
    assert np.isnan(consistency(still, still))
    # One pixel counts, its error is 100 of 255 grey levels.
    assert consistency(moved, still) == pytest.approx(20 * np.log10(2.55))
    assert consistency(still, moved) == consistency(moved, still)
