"""Figures of generated against demonstrated episodes."""

import numpy as np
import pytest

from vag_core.embodiment import Embodiment
from vag_core.train.measure import fastest, measure_units, range_error

EMBODIMENT = Embodiment(name='pair', dimensions=('joint', 'gripper'), units=('rad', 'raw'))


def test_speeds_are_the_largest_differences_per_second():
    velocity, acceleration = fastest(np.array([[[0.0], [0.1], [0.1], [0.1]]]), fps=10.0)
    assert velocity == pytest.approx(1.0)
    assert acceleration == pytest.approx(10.0)


def test_dimensions_are_measured_by_their_unit():
    truth = np.zeros((1, 4, 2))
    made = truth.copy()
    made[0, 0, 0] = 0.4
    made[0, :, 1] = 2.0
    found = measure_units(made, truth, EMBODIMENT, fps=10.0)
    assert list(found) == ['rad', 'raw']
    assert found['rad'].error == pytest.approx(0.1)
    assert found['rad'].error_max == found['rad'].start_error_max == pytest.approx(0.4)
    assert found['raw'].error == 2.0
    assert found['raw'].velocity == 0.0


def test_the_range_error_is_relative_and_leaves_still_dimensions_out():
    truth = np.zeros((1, 5, 2))
    truth[0, :, 0] = np.linspace(0, 2, 5)
    made = truth + np.array([0.1, 0.5])
    assert range_error(made, truth, minimum_range=0.01) == pytest.approx(0.05)
    assert range_error(made[..., 1:], truth[..., 1:], minimum_range=0.01) == 0.0
