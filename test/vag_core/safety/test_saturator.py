import numpy as np
import pytest

from vag_core.safety.plan import difference_peaks, make_plan
from vag_core.safety.saturator import Saturator


@pytest.fixture
def plan(profile, wave):
    return make_plan(wave, profile, profile.home_position)


def run(saturator, commands):
    return np.array([saturator.limit(command) for command in commands])


def test_a_plan_passes_unchanged(profile, plan):
    saturator = Saturator(plan.positions[0], profile, plan.period)
    np.testing.assert_array_equal(run(saturator, plan.positions), plan.positions)
    assert (saturator.changed, saturator.tripped) == (0, False)


@pytest.mark.parametrize('jump', [0.02, 1.0, float('nan')])
def test_a_jump_trips_it_and_every_joint_comes_to_rest_within_the_limits(profile, plan, jump):
    broken = plan.positions.copy()
    broken[700:, 3] += jump
    saturator = Saturator(plan.positions[0], profile, plan.period)
    sent = run(saturator, broken[:900])
    assert saturator.tripped_joint == 3
    assert saturator.at_rest
    assert saturator.changed == 200
    velocity, acceleration = difference_peaks(sent, plan.period)
    assert (velocity <= profile.per_joint('max_velocity') + 1e-6).all()
    assert (acceleration <= profile.per_joint('max_acceleration') * (1 + 1e-3)).all()


def test_a_command_outside_the_position_range_trips_it(profile):
    start = profile.upper.copy()
    saturator = Saturator(start, profile, 0.005)
    sent = saturator.limit(start + 5e-5)
    assert saturator.tripped
    np.testing.assert_array_equal(sent, start)
