"""Actions in the embodiment's units to zero mean and unit deviation, dimension by dimension."""

import numpy as np

from vag_core.configuration import ConfigError, config


@config
class Normaliser:
    """Mean and standard deviation of D action dimensions.

    The deviation is bounded below when it is fitted: a joint that never moves has none.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def validate(self) -> None:
        """Raise ConfigError unless both are finite, equally long and each std is positive."""
        if len(self.mean) != len(self.std):
            raise ConfigError(f'std: {len(self.std)} values for {len(self.mean)} means')
        for index, (mean, std) in enumerate(zip(self.mean, self.std, strict=True)):
            if not (np.isfinite(mean) and np.isfinite(std) and std > 0):
                raise ConfigError(
                    f'mean[{index}] = {mean}, std[{index}] = {std}: must be finite, std > 0'
                )

    @classmethod
    def fit(cls, actions: np.ndarray, minimum_std: float) -> 'Normaliser':
        """Fit (N, D) actions; deviations below ``minimum_std`` are raised to it."""
        std = np.maximum(actions.std(axis=0, dtype=np.float64), minimum_std)
        mean = actions.mean(axis=0, dtype=np.float64)
        return cls(mean=tuple(mean.tolist()), std=tuple(std.tolist()))

    def normalise(self, actions: np.ndarray) -> np.ndarray:
        """Map (..., D) actions in units to float32 without."""
        return ((actions - np.array(self.mean)) / np.array(self.std)).astype(np.float32)

    def restore(self, actions: np.ndarray) -> np.ndarray:
        """Map (..., D) normalised actions to float32 in the embodiment's units."""
        return (actions * np.array(self.std) + np.array(self.mean)).astype(np.float32)
