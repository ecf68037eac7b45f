"""How one part is optimised: AdamW, the learning rate over the run, averaged weights, limits."""

import enum
import math

import numpy as np

from vag_core.configuration import ConfigError, config


class Schedule(enum.Enum):
    """The learning rate after the warm-up."""

    COSINE = 'cosine'
    LINEAR = 'linear'
    CONSTANT = 'constant'


@config
class StageConfig:
    """Optimisation of one part.

    Attributes:
        steps: optimiser steps.
        batch: samples in each, over all processes; so a result doesn't depend on their number.
        accumulate: passes into which every process divides its share of the batch.
        learning_rate: peak, after a linear warm-up over ``warmup`` steps.
        warmup: steps.
        schedule: cosine, linear or constant.
        final_factor: learning rate at the end of cosine and linear, relative to the peak.
        betas, eps, weight_decay: of AdamW.
        clip: largest norm of all gradients together.
        ema: decay of the averaged weights that are kept, 0 for none.
        ema_rate: power-law average instead, as wide as this share of the run; Cosmos-Predict2
            has 0.1.
    """

    steps: int
    batch: int
    accumulate: int = 1
    learning_rate: float
    warmup: int = 50
    schedule: Schedule = Schedule.COSINE
    final_factor: float = 0.0
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-8
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.0
    ema_rate: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        for field in ('steps', 'batch', 'accumulate', 'warmup'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        for field in ('learning_rate', 'eps', 'clip'):
            if not 0 < getattr(self, field) < math.inf:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be positive')
        check_range(self, ('weight_decay',))
        check_range(self, ('final_factor',), highest=1)
        for field in ('ema', 'ema_rate'):
            if not 0 <= getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must lie in [0, 1)')
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f'betas = {self.betas}: each must lie in [0, 1)')
        if self.ema and self.ema_rate:
            raise ConfigError(f'ema_rate = {self.ema_rate}: must be 0 where ema is set')

    def relative_rate(self, step: int, spent: float) -> float:
        """Return the factor on ``learning_rate`` at a step from 1, ``spent`` of the run gone."""
        spent = min(1.0, spent)
        left = {
            Schedule.COSINE: 0.5 * (1 + math.cos(math.pi * spent)),
            Schedule.LINEAR: 1 - spent,
            Schedule.CONSTANT: 1.0,
        }[self.schedule]
        return min(1.0, step / self.warmup) * (self.final_factor + (1 - self.final_factor) * left)

    def passes(self, processes: int) -> int:
        """Return the samples of one pass of one process; ConfigError unless the batch divides."""
        size, rest = divmod(self.batch, processes * self.accumulate)
        if rest:
            raise ConfigError(
                f'batch = {self.batch}: must be a multiple of {processes} processes x '
                f'accumulate = {self.accumulate}'
            )
        return size

    def average_decay(self, step: int) -> float | None:
        """Return the decay of the averaged weights at a step from 1; None where there are none.

        Of a constant decay early steps weigh less than it says. The power law is
        ``(1 - 1 / (i + 1)) ** p`` (Karras et al. 2024, section 3.1).
        """
        if self.ema:
            return min(self.ema, (1 + step) / (10 + step))
        if self.ema_rate:
            return (1 - 1 / (step + 1)) ** power_of_rate(self.ema_rate)
        return None


def power_of_rate(rate: float) -> float:
    """Return the power of a power-law average whose standard deviation is ``rate`` of the run.

    Karras et al. (2024), equation 126; 0.1 gives 7.94.
    """
    inverse = rate**-2
    roots = np.roots([1, 7, 16 - inverse, 12 - inverse])
    return float(roots.real.max()) + 1


def check_range(cfg: object, fields: tuple[str, ...], highest: float = math.inf) -> None:
    """Raise ConfigError for a field outside 0 to ``highest``."""
    for field in fields:
        value = getattr(cfg, field)
        if not 0 <= value <= highest:
            raise ConfigError(f'{field} = {value}: must lie in [0, {highest}]')
