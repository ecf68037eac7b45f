"""Typed configuration: frozen dataclasses in memory, YAML on disk, one loader between them.

A configuration class is declared with :func:`config`. Its field types are checked by pydantic when
it is loaded; what types can't say stands in an optional ``validate()`` method, called on every
construction.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import yaml

from vag_core import resources

T = TypeVar('T')


class ConfigError(ValueError):
    """A configuration value is missing, unknown, of the wrong type or out of range."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def config(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen keyword-only dataclass: unknown keys refused, ``validate()`` run."""
    validate = getattr(cls, 'validate', None)
    if validate is not None:
        cls.__post_init__ = validate
    cls.__pydantic_config__ = {'extra': 'forbid'}
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def load(cls: type[T], source: Mapping[str, Any] | Path | str, where: str = '') -> T:
    """Build ``cls`` from a mapping or from a YAML file.

    Raises:
        ConfigError: naming file, field, value and what is allowed, one line per mistake.
    """
    from pydantic import TypeAdapter, ValidationError

    if isinstance(source, (str, Path)):
        where = where or str(source)
        source = read_yaml(Path(source))
    try:
        return TypeAdapter(cls).validate_python(dict(source))
    except ValidationError as error:
        prefix = f'{where}: ' if where else ''
        lines = []
        for item in error.errors():
            field = '.'.join(str(part) for part in item['loc']) or cls.__name__
            value = '' if item['type'] in ('missing', 'value_error') else f' = {item["input"]!r}'
            lines.append(f'{prefix}{field}{value}: {item["msg"].removeprefix("Value error, ")}')
        raise ConfigError('\n'.join(lines)) from None


class _UniqueKeys(yaml.SafeLoader):
    """YAML as it is, but for a key given twice: the first value would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Raise YAMLError naming the key and its line."""
        keys = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys:
                raise yaml.YAMLError(f'line {key.start_mark.line + 1}: {key.value} stands twice')
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML mapping; ConfigError names a file that is missing or is none."""
    try:
        data = yaml.load(path.read_text(), _UniqueKeys)
    except OSError as error:
        raise ConfigError(f'{path}: {error.strerror}') from None
    except yaml.YAMLError as error:
        raise ConfigError(f'{path}: not YAML: {error}') from None
    if not isinstance(data, dict):
        raise ConfigError(f'{path}: expected a mapping, found {type(data).__name__}')
    return data


def shipped_or_own(name_or_path: Path | str, folder: str, field: str, known: str) -> Path:
    """Return the path of a YAML file: the caller's own, or one that ships in ``folder`` by name.

    Raises:
        ConfigError: no such name; ``field``, ``known`` and the names there are say what was meant.
    """
    path = Path(name_or_path)
    if path.suffix in ('.yaml', '.yml'):
        return path
    names = resources.names(folder, '.yaml')
    if str(name_or_path) not in names:
        raise ConfigError(f'{field} = {str(name_or_path)!r}: {known} are {", ".join(names)}')
    return resources.find(f'{folder}/{name_or_path}.yaml')


def to_mapping(value: Any) -> Any:
    """Turn a configuration into plain dicts, lists and scalars: the inverse of :func:`load`."""
    import enum

    if dataclasses.is_dataclass(value):
        return {f.name: to_mapping(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_mapping(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_mapping(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value
