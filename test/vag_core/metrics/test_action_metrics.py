"""The paper's action metrics against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vag_core.metrics.actions import compare_actions, in_strokes

ACTIONS = arrays(np.float64, (5, 3), elements=st.floats(-2, 2))


def test_distance_and_both_readings_of_the_success_rate_of_a_known_error():
    truth = np.zeros((4, 3))
    made = np.array([[0.0, 0.0, 0.0], [0.3, 0.4, 0.0], [0.1, -0.1, 0.0], [0.0, 0.0, -0.2]])
    found = compare_actions(made, truth)
    assert found.distance == pytest.approx((0 + 0.5 + np.sqrt(0.02) + 0.2) / 4)
    assert found.entries_within == 9 / 12
    assert found.frames_within == 2 / 4


def test_a_gripper_in_metres_passes_the_threshold_but_not_in_strokes():
    is_gripper = np.array([False, True])
    low, high = np.array([-3.0, 0.0]), np.array([3.0, 0.07])
    truth, made = np.array([[1.0, 0.07]]), np.array([[1.0, 0.0]])
    assert compare_actions(made, truth).frames_within == 1.0
    scaled = [in_strokes(actions, is_gripper, low, high) for actions in (made, truth)]
    assert scaled[1].tolist() == [[1.0, 1.0]]
    assert compare_actions(*scaled).frames_within == 0.0
    assert compare_actions(*scaled).distance == pytest.approx(1.0)


@given(ACTIONS, ACTIONS)
def test_the_strict_reading_is_never_above_the_other_and_order_does_not_matter(made, truth):
    found = compare_actions(made, truth)
    assert 0 <= found.frames_within <= found.entries_within <= 1
    assert found == compare_actions(truth, made)
    assert found.distance >= np.abs(made - truth).max(axis=1).mean() - 1e-12


@given(ACTIONS)
def test_equal_actions_are_without_error(actions):
    found = compare_actions(actions, actions)
    assert (found.distance, found.entries_within, found.frames_within) == (0.0, 1.0, 1.0)


def test_actions_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r'shape \(4, 3\), the demonstration has \(5, 3\)'):
        compare_actions(np.zeros((4, 3)), np.zeros((5, 3)))
