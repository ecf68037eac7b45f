"""Actions to unit deviation and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vag_core.configuration import ConfigError
from vag_core.model.normaliser import Normaliser

ACTIONS = np.random.default_rng(0).normal([0, 5, 1], [1, 0.2, 0], (500, 3))


def test_fitted_data_has_zero_mean_and_unit_deviation():
    normalised = Normaliser.fit(ACTIONS, 0.01).normalise(ACTIONS)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std(0)[:2], 1, atol=1e-5)


def test_a_joint_that_never_moves_keeps_the_minimum_deviation():
    assert Normaliser.fit(ACTIONS, 0.01).std[2] == 0.01


@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(-3, 3)))
def test_restoring_is_the_inverse(actions):
    normaliser = Normaliser.fit(ACTIONS, 0.01)
    restored = normaliser.restore(normaliser.normalise(actions))
    np.testing.assert_allclose(restored, actions, atol=1e-5)


def test_a_zero_deviation_is_refused_with_its_index():
    with pytest.raises(ConfigError, match=r'std\[1\] = 0.0'):
        Normaliser(mean=(0.0, 0.0), std=(1.0, 0.0))


def test_lengths_must_agree():
    with pytest.raises(ConfigError, match='1 values for 2 means'):
        Normaliser(mean=(0.0, 0.0), std=(1.0,))
