"""Where the arms of a robot stand and where its table is, measured by a person."""

import numpy as np

from vag_core.configuration import ConfigError, config


@config
class BasePose:
    """Where an arm's base link stands in the world (REP-103: x forward, y left, z up).

    Attributes:
        position: (x, y, z) m.
        yaw: rad about z; at 0 the arm looks along x.
    """

    position: tuple[float, float, float]
    yaw: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError for what is no pose."""
        if not np.isfinite([*self.position, self.yaw]).all():
            raise ConfigError(f'position = {self.position}, yaw = {self.yaw}: must be finite')


@config
class Workcell:
    """The surroundings that plans are checked against.

    Attributes:
        bases: by arm name.
        table_height: z of the table's surface, m; it counts as endless, beside the arms too.
    """

    bases: dict[str, BasePose]
    table_height: float

    def validate(self) -> None:
        """Raise ConfigError for a table without a height."""
        if not np.isfinite(self.table_height):
            raise ConfigError(f'table_height = {self.table_height}: must be finite')
