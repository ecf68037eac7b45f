"""Stop a run whose loss is no number or has left its own past far behind."""

import math
from collections import deque
from statistics import median

from vag_core.configuration import ConfigError, config


class DivergedError(ArithmeticError):
    """The loss is no number, or far above its past for too long; the message says where."""


@config
class GuardConfig:
    """When a loss counts as diverging.

    Attributes:
        factor: a loss above this many times the median of the last ``window`` is suspect; 0
            watches for values that are no numbers only.
        window: losses in the median, which must be full first; suspect ones don't enter it.
        patience: suspect losses in a row that end the run.
    """

    factor: float = 10.0
    window: int = 100
    patience: int = 20

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        if self.factor and not self.factor > 1:
            raise ConfigError(f'factor = {self.factor}: must be above 1, or 0 for none')
        for field in ('window', 'patience'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')


class Guard:
    """Watches one loss after the other."""

    def __init__(self, cfg: GuardConfig, history: list[float]) -> None:
        self.cfg = cfg
        self._usual: deque[float] = deque(maxlen=cfg.window)
        self._suspect = 0
        for loss in history:
            self.complaint(loss)

    def complaint(self, loss: float) -> str | None:
        """Take a loss in; return what is wrong, or None."""
        if not math.isfinite(loss):
            return f'loss = {loss}'
        if self.cfg.factor and len(self._usual) == self.cfg.window:
            usual = median(self._usual)
            if loss > self.cfg.factor * usual:
                self._suspect += 1
                if self._suspect < self.cfg.patience:
                    return None
                return (
                    f'loss = {loss:.4g}: above {self.cfg.factor:g} x its median {usual:.4g} '
                    f'for {self._suspect} steps'
                )
        self._suspect = 0
        self._usual.append(loss)
        return None
