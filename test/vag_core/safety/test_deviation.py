import pytest

from vag_core.safety.deviation import arrived, moved
from vag_core.safety.outcome import ErrorCode
from vag_core.safety.plan import make_plan


def test_arrival_and_departure_are_judged_by_the_joint_that_is_farthest_off(profile, wave):
    plan = make_plan(wave, profile, profile.home_position)
    end, start = plan.positions[-1], plan.positions[0]
    assert arrived(plan, end + 0.04, profile) is None
    assert moved(plan, start, profile) is None
    late, away = end.copy(), start.copy()
    late[5] -= 0.06
    away[1] += 0.003
    reason = arrived(plan, late, profile)
    assert (reason.code, reason.joint) == (ErrorCode.GOAL_TOLERANCE_VIOLATED, 'left_joint6')
    assert reason.value == pytest.approx(-0.06)
    reason = moved(plan, away, profile)
    assert (reason.code, reason.joint) == (ErrorCode.START_STATE_VIOLATED, 'left_joint2')
