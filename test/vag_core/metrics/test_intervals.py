"""Intervals against published and simulated values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.metrics.intervals import bootstrap, wilson


@pytest.mark.parametrize(
    ('successes', 'count', 'low', 'high'),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(successes, count, low, high):
    found = wilson(successes / count, count)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@given(st.floats(0, 1), st.integers(1, 1000))
def test_a_share_lies_inside_its_interval_and_the_interval_inside_0_to_1(share, count):
    found = wilson(share, count)
    assert 0 <= found.low <= found.value <= found.high <= 1
    mirrored = wilson(1 - share, count)
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-9)


def test_bootstrap_interval_is_near_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=400)
    found = bootstrap(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.02)
    assert found.high == pytest.approx(values.mean() + half, abs=0.02)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(0, 9))
def test_the_same_seed_gives_the_same_interval_inside_the_range_of_the_values(values, seed):
    found = bootstrap(np.array(values), seed, resamples=50)
    assert found == bootstrap(np.array(values), seed, resamples=50)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_nothing_has_no_interval():
    with pytest.raises(ValueError, match='values'):
        bootstrap(np.array([]))
    with pytest.raises(ValueError, match='at least one trial'):
        wilson(0.5, 0)
