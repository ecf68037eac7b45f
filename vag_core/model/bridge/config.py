"""How the latent becomes a condition: which bridge, and its sizes."""

import enum
import math

from vag_core.configuration import ConfigError, config


class BridgeKind(enum.Enum):
    """What of the latent the action stream sees.

    ``GLOBAL`` is the paper's (VAG, 2604.09330): pooled over space and time, expanded without a
    learned layer. ``GRID`` keeps a small space-time grid and ``ATTENTION`` reads one with learned
    queries; both end in a global condition. ``FRAMES`` pools over space only, ``ALIGNED`` keeps a
    small spatial grid of every latent frame; both follow the action's time axis.
    """

    GLOBAL = 'global'
    GRID = 'grid'
    ATTENTION = 'attention'
    FRAMES = 'frames'
    ALIGNED = 'aligned'


class Pooling(enum.Enum):
    """How the cells of a pooled region become one."""

    AVERAGE = 'avg'
    MAXIMUM = 'max'


class Expansion(enum.Enum):
    """How n pooled values become ``global_dim``; see :mod:`vag_core.model.bridge.expansion`."""

    TILE = 'tile'
    NEAREST = 'nearest'
    LINEAR = 'linear'
    ADAPTIVE = 'adaptive'
    ZERO_PAD = 'zero_pad'
    NONE = 'none'
    LEARNED = 'learned'


@config
class BridgeConfig:
    """One of the bridges; a field that its kind doesn't name is without effect.

    Attributes:
        kind: which.
        pooling: average or maximum.
        pool_size: frames, rows and columns that the latent is pooled to (global, grid,
            attention).
        generated_only: leave the clean first frame out of the pooling (global, grid, attention).
        expansion: from the pooled values to the condition (global).
        global_dim: length of the condition; 132 in the paper (global, grid, attention).
        grid: rows and columns that every latent frame is pooled to (aligned).
        channels: features of the condition at each time step (aligned) or of a token (attention).
        queries, heads: learned queries and attention heads (attention).
    """

    kind: BridgeKind = BridgeKind.GLOBAL
    pooling: Pooling = Pooling.AVERAGE
    pool_size: tuple[int, int, int] = (1, 1, 1)
    generated_only: bool = False
    expansion: Expansion = Expansion.TILE
    global_dim: int = 132
    grid: tuple[int, int] = (6, 8)
    channels: int = 128
    queries: int = 8
    heads: int = 4

    def validate(self) -> None:
        """Raise ConfigError for empty sizes and those that the kind can't have."""
        for field in ('global_dim', 'channels', 'queries', 'heads'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if min(self.grid) < 1:
            raise ConfigError(f'grid = {self.grid}: rows and columns must be at least 1')
        if min(self.pool_size) < 1:
            raise ConfigError(
                f'pool_size = {self.pool_size}: frames, rows and columns must be at least 1'
            )
        if self.kind in (BridgeKind.GRID, BridgeKind.ATTENTION) and self.pool_size == (1, 1, 1):
            raise ConfigError(
                f'pool_size = {self.pool_size}: kind = {self.kind.value} needs more than one cell'
            )
        if self.kind is BridgeKind.ATTENTION and self.channels % self.heads:
            raise ConfigError(f'heads = {self.heads}: must divide channels = {self.channels}')

    def pooled_values(self, latent_channels: int) -> int:
        """Return how many values the latent is pooled to (global, grid, attention)."""
        return latent_channels * math.prod(self.pool_size)

    def check_channels(self, latent_channels: int) -> None:
        """Raise ConfigError where an expansion would have to drop values."""
        count = self.pooled_values(latent_channels)
        free = self.expansion in (Expansion.NONE, Expansion.LEARNED)
        if self.kind is BridgeKind.GLOBAL and not free and count > self.global_dim:
            raise ConfigError(
                f'global_dim = {self.global_dim}: expansion = {self.expansion.value} of {count} '
                f'pooled values needs at least as many; or take none, or learned'
            )
