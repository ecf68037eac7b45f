"""Rectified flow against the published grid and solver figures."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vag_core import flow

# The 36 noise levels of Cosmos-Predict2's sampler at 35 steps, as printed to six digits.
OFFICIAL_SIGMAS = [
    80, 68.3251, 58.1421, 49.2886, 41.6168, 34.9922, 29.2928, 24.4083, 20.2393, 16.6962, 13.6986,
    11.1746, 9.06026, 7.29851, 5.83895, 4.63707, 3.65381, 2.85496, 2.21074, 1.69537, 1.28661,
    0.965417, 0.715556, 0.523309, 0.377149, 0.267475, 0.186359, 0.127313, 0.0850872, 0.0554835,
    0.0351867, 0.0216184, 0.0128067, 0.0072721, 0.00392871, 0.002,
]  # fmt: skip

times = st.floats(0.001, 0.999)


def integrate(solver, clean_of, start):
    """Integrate an EDM sample from sigma 80 to 0.002 in 35 steps."""
    grid = flow.time_grid(35)
    integrator = flow.Integrator(grid, solver)
    sample = start * (1 - grid[0])
    for index in range(35):
        sample = integrator.step(index, sample, clean_of(sample / (1 - grid[index]), index))
    return sample / (1 - grid[-1])


def test_the_grid_of_35_steps_is_the_official_one():
    assert flow.karras_sigmas(35) == pytest.approx(OFFICIAL_SIGMAS, rel=5e-6)


def test_flow_times_of_the_official_grid():
    grid = flow.time_grid(35)
    assert [round(float(grid[i]), 6) for i in (0, 17, 34, 35)] == [
        0.987654, 0.740594, 0.003913, 0.001996,
    ]  # fmt: skip


@given(st.floats(1e-4, 1e4))
def test_time_and_sigma_are_inverse(sigma):
    assert flow.t_to_sigma(flow.sigma_to_t(sigma)) == pytest.approx(sigma, rel=1e-9)


@given(times, st.floats(-3, 3), st.floats(-3, 3))
def test_the_true_velocity_gives_the_clean_sample_back(t, clean, noise):
    sample = flow.noisy_sample(clean, noise, t)
    velocity = flow.velocity(clean, noise)
    assert flow.clean_estimate(sample, velocity, t) == pytest.approx(clean, abs=1e-9)
    assert flow.velocity_estimate(sample, clean, t) == pytest.approx(velocity, abs=1e-6)


@pytest.mark.parametrize('solver', list(flow.Solver))
def test_a_constant_clean_estimate_is_integrated_exactly(solver):
    end = integrate(solver, lambda x, index: 0.7, start=104.0)
    assert end == pytest.approx(0.7 + 0.002 / 80 * (104.0 - 0.7), rel=1e-12)


@pytest.mark.parametrize(
    ('solver', 'golden'), [(flow.Solver.AB2, 1.320154), (flow.Solver.EULER, 1.207743)]
)
def test_solvers_reach_their_golden_values_on_normal_data(solver, golden):
    sigmas = flow.karras_sigmas(35)
    end = integrate(solver, lambda x, index: x / (1 + sigmas[index] ** 2), start=104.0)
    assert end == pytest.approx(golden, abs=5e-7)


def test_a_step_keeps_the_sample_in_float32():
    integrator = flow.Integrator(flow.time_grid(3))
    sample = torch.ones(2)
    for index in range(3):
        sample = integrator.step(index, sample, torch.zeros(2))
    assert sample.dtype == torch.float32


@pytest.mark.parametrize('steps', [0, -1])
def test_a_grid_without_steps_is_refused(steps):
    with pytest.raises(ValueError, match=f'steps = {steps}'):
        flow.karras_sigmas(steps)


def test_a_grid_with_swapped_ends_is_refused():
    with pytest.raises(ValueError, match='sigma_min'):
        flow.karras_sigmas(4, sigma_max=0.1, sigma_min=1.0)


def test_times_decrease():
    assert np.all(np.diff(flow.time_grid(10)) < 0)
