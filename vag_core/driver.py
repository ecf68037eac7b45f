"""What a profile says of an arm's driver beyond joint states: its status and its services."""

from dataclasses import field

import numpy as np

from vag_core.configuration import ConfigError, config

Value = bool | int | float | str

SERVICE_TYPES = ('std_srvs/srv/Empty', 'std_srvs/srv/SetBool', 'std_srvs/srv/Trigger')


@config
class StatusTopic:
    """A topic on which the driver says how the arm is, of whatever message type.

    A field is named by its path in the message (``err_status.joint_1``). Where the field is a
    sequence, each of its entries must be allowed.

    Attributes:
        topic: relative name.
        type: as in ``ros2 topic type``: ``piper_msgs/msg/PiperStatusMsg``. Where its package is
            not installed, the status is not watched, and the log says so.
        allowed: by field, the values with which the arm may move; any other one is a fault.
        collision: by field, those of the other values that report a collision.
        meanings: by field, what a value means, for people.
        timeout_s: a status older than this, by receive time, is a fault too.
    """

    topic: str
    type: str
    allowed: dict[str, tuple[Value, ...]]
    collision: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    meanings: dict[str, dict[int, str]] = field(default_factory=dict)
    timeout_s: float = 1.0

    def validate(self) -> None:
        """Raise ConfigError for a type that can't be imported by name, or nothing to check."""
        parts = self.type.split('/')
        if len(parts) != 3 or parts[1] != 'msg' or not all(parts):
            raise ConfigError(f'type = {self.type!r}: must read package/msg/Name')
        if not self.allowed or not all(self.allowed.values()):
            raise ConfigError(f'allowed = {self.allowed}: needs a field with at least one value')
        for name, values in self.collision.items():
            both = set(values) & set(self.allowed.get(name, ()))
            if name not in self.allowed or both:
                raise ConfigError(
                    f'collision: {name} = {list(values)}: must be values of a field in `allowed` '
                    'that are not allowed'
                )
        if not (np.isfinite(self.timeout_s) and self.timeout_s > 0):
            raise ConfigError(f'timeout_s = {self.timeout_s}: must be positive')


@config
class DriverService:
    """A service of the driver: its relative name and one of three plain types."""

    name: str
    type: str

    def validate(self) -> None:
        """Raise ConfigError for a type that the server does not know how to call."""
        if self.type not in SERVICE_TYPES:
            raise ConfigError(f'type = {self.type!r}: must be one of {", ".join(SERVICE_TYPES)}')
