"""Intervals: Wilson's of a share, the bootstrap's of a mean."""

from dataclasses import dataclass

import numpy as np

LEVEL_95 = 1.959963984540054
"""Quantile of the standard normal distribution for a two-sided level of 95 %."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, from ``count`` independent observations."""

    value: float
    low: float
    high: float
    count: int


def wilson(share: float, count: int, z: float = LEVEL_95) -> Estimate:
    """Interval of a share of ``count`` trials (Wilson, 1927); ``share * count`` may be no integer.

    Raises:
        ValueError: the share lies outside 0..1 or there was no trial.
    """
    if not 0.0 <= share <= 1.0 or count < 1:
        raise ValueError(f'share = {share} of {count}: must lie in 0..1, with at least one trial')
    spread = z * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    centre, scale = share + z**2 / (2 * count), 1 + z**2 / count
    # Rounding may not put the share itself outside its interval.
    low = min(share, max(0.0, (centre - spread) / scale))
    high = max(share, min(1.0, (centre + spread) / scale))
    return Estimate(float(share), float(low), float(high), count)


def bootstrap(values: np.ndarray, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Mean of (N,) values with the percentile interval of resampled means (Efron, 1979).

    Values of the same scene must be averaged before: what is resampled has to be independent.

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f'values: {values.shape}: must be one-dimensional, finite, not empty')
    draws = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high), len(values))
