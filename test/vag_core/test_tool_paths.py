import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.kinematics import KinematicTree
from vag_core.robot import load_profile
from vag_core.robot_description import describe
from vag_core.tool_paths import clamped_points, colours, thinned, tool_paths

PROFILE = load_profile('sim')
TREE = KinematicTree(describe(PROFILE))
STEPS = 50


def a_turn(rate):
    """Positions of a steady turn of the left arm's first joint, and their times."""
    times = np.arange(STEPS) * 0.1
    positions = np.tile(PROFILE.home_position, (STEPS, 1))
    positions[:, 0] = rate * times
    return positions, times


def test_the_speed_of_a_turning_tool_is_its_radius_times_the_rate():
    paths = tool_paths(TREE, PROFILE, *a_turn(0.2))
    left = paths['left'].points - np.array([0.0, 0.3, 0.0])
    radius = np.linalg.norm(left[:, :2], axis=1)
    np.testing.assert_allclose(paths['left'].speed[1:-1], 0.2 * radius[1:-1], rtol=1e-3)
    np.testing.assert_allclose(paths['right'].speed, 0.0, atol=1e-12)


def test_only_points_noticeably_outside_the_limits_are_listed():
    positions, _ = a_turn(0.0)
    positions[10, 0] = PROFILE.upper[0] + 0.02
    positions[20, 0] = PROFILE.upper[0] + 1e-5
    places = clamped_points(TREE, PROFILE, positions)
    assert {arm: len(points) for arm, points in places.items()} == {'left': 1, 'right': 0}


@given(st.integers(1, 5000), st.integers(2, 500))
def test_thinning_keeps_both_ends_and_the_bound(count, most):
    kept = thinned(count, most)
    assert kept[0] == 0 and kept[-1] == count - 1
    assert len(kept) <= most


@given(st.lists(st.floats(0, 10), min_size=2))
def test_faster_is_brighter(values):
    ordered = sorted(values)
    brightness = colours(ordered, max(ordered)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(brightness) >= -1e-9).all()


def test_colours_of_a_standing_tool_are_defined():
    assert colours([0.0], 0.0)[0] == pytest.approx((0.27, 0.0, 0.33))
