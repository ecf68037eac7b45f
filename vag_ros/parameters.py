"""Node parameters as one frozen dataclass: declared with description and range, checked at start.

A field is written ``parameter(default, 'description', low, high)``. Create the node with
``automatically_declare_parameters_from_overrides=True`` so that a name that no field has can be
refused; rclpy alone would ignore it in silence.
"""

import dataclasses
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter

from vag_core.configuration import ConfigError

T = TypeVar('T')

HIGHEST_PORT = 65535
"""Of TCP."""
STANDARD = ('use_sim_time', 'start_type_description_service', 'qos_overrides')


def parameter(
    default: Any,
    description: str,
    low: float | None = None,
    high: float | None = None,
    *,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Any:
    """Declare a dataclass field that is a node parameter; ``low``/``high`` bound a number.

    Only one that is ``live`` may be changed while the node runs.
    """
    metadata = {
        'description': description,
        'low': low,
        'high': high,
        'choices': choices,
        'live': live,
    }
    return dataclasses.field(default=default, metadata=metadata)


def declare(node: Node, cls: type[T]) -> T:
    """Declare every field of the dataclass ``cls`` as a parameter and return its values at start.

    Raises:
        ConfigError: for an unknown name, a wrong type or a value out of range, naming the
        parameter.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in node.get_parameters_by_prefix(''):
        if name not in fields and name.split('.')[0] not in STANDARD:
            raise ConfigError(
                f'parameter {name!r}: unknown; {node.get_name()} has {", ".join(fields)}'
            )
    values = {}
    for name, field in fields.items():
        value = field.default
        if node.has_parameter(name):
            value = _checked(name, node.get_parameter(name).value, field)
            node.undeclare_parameter(name)
        node.declare_parameter(name, value, _descriptor(field), ignore_override=True)
        values[name] = value
    return cls(**values)


def request_to_set(name: str, value: Any) -> SetParameters.Request:
    """Return the request with which another node sets one of these parameters."""
    parameter = Parameter(name, value=value).to_parameter_msg()
    return SetParameters.Request(parameters=[parameter])


def _checked(name: str, value: Any, field: dataclasses.Field) -> Any:
    expected = type(field.default)
    if expected is float and type(value) is int:
        value = float(value)
    if type(value) is not expected:
        raise ConfigError(f'parameter {name} = {value!r}: must be {expected.__name__}')
    low, high, choices = (field.metadata[key] for key in ('low', 'high', 'choices'))
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise ConfigError(f'parameter {name} = {value}: must lie between {low} and {high}')
    if choices and value not in choices:
        raise ConfigError(f'parameter {name} = {value!r}: must be one of {", ".join(choices)}')
    return value


def _descriptor(field: dataclasses.Field) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=field.metadata['description'],
        additional_constraints=', '.join(field.metadata['choices']),
        read_only=not field.metadata['live'],
    )
    low, high = field.metadata['low'], field.metadata['high']
    if low is not None and high is not None:
        if isinstance(field.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high))
            ]
        else:
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
    return descriptor
