"""Rectified flow: time grids, training noise levels, interpolation, clean estimates, solvers.

A noisy sample is ``x_t = (1 - t) x0 + t e`` with noise e ~ N(0, 1) and t in [0, 1); the velocity
is ``v = e - x0``. In the EDM notation of Karras et al. (2022) the same sample is
``x = x_t / (1 - t)`` at ``sigma = t / (1 - t)``. Scalars are computed in double precision; samples
may be torch tensors or numpy arrays and keep their type.
"""

import enum
import math

import numpy as np

SIGMA_MAX = 80.0
SIGMA_MIN = 0.002
RHO = 7.0


class Grid(enum.Enum):
    """Which noise levels belong to a number of steps.

    ``official``: Cosmos-Predict2's ``steps + 1`` levels. ``diffusers``: the ``steps`` levels of
    its ``Cosmos2VideoToWorldPipeline``, which then repeats the last one, so that its last step
    does nothing; here that step, with its evaluation, is left out.
    """

    OFFICIAL = 'official'
    DIFFUSERS = 'diffusers'


class Solver(enum.Enum):
    """How a step goes from one time to the next."""

    EULER = 'euler'
    AB2 = 'ab2'


def sigma_to_t(sigma):
    """Return the flow time of an EDM noise level: ``sigma / (1 + sigma)``."""
    return sigma / (1 + sigma)


def t_to_sigma(t):
    """Return the EDM noise level of a flow time: ``t / (1 - t)``."""
    return t / (1 - t)


def karras_sigmas(
    steps: int,
    sigma_max: float = SIGMA_MAX,
    sigma_min: float = SIGMA_MIN,
    rho: float = RHO,
    grid: Grid = Grid.OFFICIAL,
) -> np.ndarray:
    """Return the decreasing noise levels of Karras et al. (2022), equation 5.

    There are ``steps + 1`` of them on the official grid and ``steps`` on diffusers'. Both ends
    belong to the grid and there is no final zero.
    """
    levels = steps + (grid is Grid.OFFICIAL)
    if levels < 2:
        raise ValueError(f'steps = {steps}: must be at least {2 - (levels - steps)}')
    if not 0 < sigma_min < sigma_max:
        raise ValueError(f'sigma_min = {sigma_min}, sigma_max = {sigma_max}: need 0 < min < max')
    ramp = np.linspace(0.0, 1.0, levels)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (high + ramp * (low - high)) ** rho


def time_grid(
    steps: int,
    sigma_max: float = SIGMA_MAX,
    sigma_min: float = SIGMA_MIN,
    rho: float = RHO,
    grid: Grid = Grid.OFFICIAL,
) -> np.ndarray:
    """Return the decreasing flow times of :func:`karras_sigmas`."""
    return sigma_to_t(karras_sigmas(steps, sigma_max, sigma_min, rho, grid))


def lognormal_sigmas(normal, mean: float = 0.0, std: float = 1.0, latent_frames: int = 1):
    """Map draws of N(0, 1) to training noise levels ``exp(mean + std n) sqrt(T')``.

    Cosmos-Predict2 post-trains with mean 0, std 1 and its T' = 24 latent frames: neighbouring
    frames say nearly the same, so a longer video needs more noise to hide as much.
    """
    return math.sqrt(latent_frames) * math.e ** (mean + std * normal)


def loguniform_sigmas(uniform, low: float = 200.0, high: float = 1e5):
    """Map draws of U(0, 1) to noise levels whose logarithm is uniform in [ln low, ln high].

    Cosmos-Predict2 post-trains 5 % of its samples with these instead of the log-normal ones.
    """
    return low * (high / low) ** uniform


def noisy_sample(clean, noise, t):
    """Return ``x_t = (1 - t) clean + t noise``."""
    return (1 - t) * clean + t * noise


def clean_estimate(sample, velocity, t):
    """Return the clean sample that ``velocity`` implies at time t: ``x_t - t v``."""
    return sample - t * velocity


class Integrator:
    """Integrate one sample down a grid of times, given a clean estimate at each.

    ``ab2`` is the exponential Adams-Bashforth method of order 2 in ``lambda = -ln sigma``
    (Cosmos-Predict2 calls it ``2ab``); its first step is Euler's. Written for the EDM sample
    ``x`` it reads ``x <- e^-h x + h (b1 x0_i + b2 x0_{i-1})``; here x is rescaled by 1 - t, so
    that the action stream and the video stream share the flow form. Both solvers are exact for a
    constant clean estimate.
    """

    def __init__(self, times: np.ndarray, solver: Solver = Solver.AB2) -> None:
        self.times = np.asarray(times, dtype=np.float64)
        self.solver = solver
        self._previous = None

    def step(self, index: int, sample, clean):
        """Take the sample from ``times[index]`` to ``times[index + 1]``.

        ``clean`` is its clean estimate. Steps are taken in order, from index 0.
        """
        t, t_next = float(self.times[index]), float(self.times[index + 1])
        previous, self._previous = self._previous, clean
        if self.solver is Solver.EULER or index == 0:
            return (t_next / t) * sample + (1 - t_next / t) * clean
        weight, previous_weight = self._ab2_weights(index)
        scale = 1 - t_next
        return (
            (t_next / t) * sample + (scale * weight) * clean + (scale * previous_weight) * previous
        )

    def _ab2_weights(self, index: int) -> tuple[float, float]:
        """Return h b1 and h b2 of the step from ``index``, for the EDM sample."""
        before, here, after = (-math.log(t_to_sigma(t)) for t in self.times[index - 1 : index + 2])
        h = after - here
        ratio = (before - here) / h
        phi1 = -math.expm1(-h) / h
        phi2 = (1 - phi1) / h
        b2 = phi2 / ratio
        return h * (phi1 - b2), h * b2
