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

# The 35 noise levels of Cosmos2VideoToWorldPipeline (diffusers 0.42) at 35 steps.
DIFFUSERS_SIGMAS = [
    80, 68.0051, 57.586, 48.5662, 40.7856, 34.0988, 28.3746, 23.4946, 19.3525, 15.8527, 12.9101,
    10.4486, 8.40094, 6.70731, 5.31519, 4.17847, 3.25682, 2.51522, 1.92334, 1.4551, 1.08817,
    0.803593, 0.585348, 0.420016, 0.296442, 0.20544, 0.139516, 0.0926249, 0.0599473, 0.037695,
    0.0229345, 0.0134338, 0.00752802, 0.00400369, 0.002,
]  # fmt: skip

OFFICIAL_TIMES = [
    0.987654, 0.985575, 0.983092, 0.980115, 0.976535, 0.972216, 0.966989, 0.960643, 0.952918,
    0.943491, 0.931966, 0.917862, 0.900599, 0.879496, 0.853779, 0.822603, 0.785122, 0.740594,
    0.688546, 0.628994, 0.562672, 0.491202, 0.417099, 0.343534, 0.273862, 0.211030, 0.157085,
    0.112935, 0.078415, 0.052567, 0.033991, 0.021161, 0.012645, 0.007220, 0.003913, 0.001996,
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


def six_digits(values):
    return [float(f'{value:.6g}') for value in values]


def test_the_official_grid_of_35_steps_has_the_36_printed_levels():
    assert six_digits(flow.karras_sigmas(35)) == OFFICIAL_SIGMAS


def test_the_diffusers_grid_of_35_steps_has_the_35_printed_levels():
    assert six_digits(flow.karras_sigmas(35, grid=flow.Grid.DIFFUSERS)) == DIFFUSERS_SIGMAS


def test_flow_times_of_the_official_grid():
    assert [round(float(t), 6) for t in flow.time_grid(35)] == OFFICIAL_TIMES


@given(st.floats(1e-4, 1e4))
def test_time_and_sigma_are_inverse(sigma):
    assert flow.t_to_sigma(flow.sigma_to_t(sigma)) == pytest.approx(sigma, rel=1e-9)


@given(times, st.floats(-3, 3), st.floats(-3, 3))
def test_the_true_velocity_gives_the_clean_sample_back(t, clean, noise):
    sample = flow.noisy_sample(clean, noise, t)
    assert flow.clean_estimate(sample, noise - clean, t) == pytest.approx(clean, abs=1e-9)


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


@pytest.mark.parametrize(('steps', 'grid'), [(0, 'official'), (-1, 'official'), (1, 'diffusers')])
def test_a_grid_without_steps_is_refused(steps, grid):
    with pytest.raises(ValueError, match=f'steps = {steps}'):
        flow.karras_sigmas(steps, grid=flow.Grid(grid))


def test_a_grid_with_swapped_ends_is_refused():
    with pytest.raises(ValueError, match='sigma_min'):
        flow.karras_sigmas(4, sigma_max=0.1, sigma_min=1.0)


def test_times_decrease():
    assert np.all(np.diff(flow.time_grid(10)) < 0)


def test_log_normal_levels_have_the_post_training_median_and_spread():
    sigmas = flow.lognormal_sigmas(torch.tensor([-1.2816, 0.0, 1.2816]), latent_frames=24)
    p10, median, p90 = flow.sigma_to_t(sigmas).tolist()
    assert float(sigmas[1]) == pytest.approx(24**0.5)
    assert (p10, median, p90) == pytest.approx((0.576, 0.830, 0.946), abs=5e-4)


def test_log_normal_levels_take_a_mean_and_a_deviation_of_the_logarithm():
    sigmas = flow.lognormal_sigmas(np.array([-1.0, 2.0]), mean=0.5, std=0.3)
    assert np.log(sigmas) == pytest.approx([0.2, 1.1])


@given(st.floats(0, 1))
def test_log_uniform_levels_lie_between_200_and_100000(uniform):
    sigma = flow.loguniform_sigmas(uniform)
    assert np.log(sigma / 200) / np.log(1e5 / 200) == pytest.approx(uniform, abs=1e-9)
