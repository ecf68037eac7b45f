"""Message definitions and type hashes of installed interfaces, as a bag embeds them.

A definition is the text of the ``.msg`` file followed by those of all types it uses, each under a
line of 80 ``=`` and ``MSG: package/Name`` (the ``ros2msg`` schema of MCAP's ROS 2 profile). The
types behind an action's hidden topics have no ``.msg`` file: theirs is put together from the
``.action`` file. Which types a type uses, and the type hashes (REP-2011, ``RIHS01_...``), stand in
the JSON type descriptions that rosidl installs.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

SEPARATOR = '=' * 80
FEEDBACK_MESSAGE = '_FeedbackMessage'
ACTION_SECTIONS = ('_Goal', '_Result', '_Feedback')


@dataclass(frozen=True)
class Definition:
    """What a bag stores of one type, e.g. ``vag_ros/msg/Episode``: its full text and its hash."""

    type_name: str
    text: str
    type_hash: str


def type_name(message_class: type) -> str:
    """Return the ROS name of a generated class, e.g. ``sensor_msgs/msg/JointState``."""
    package, kind, *_ = message_class.__module__.split('.')
    return f'{package}/{kind}/{message_class.__name__}'


@functools.cache
def definition(name: str) -> Definition:
    """Return the definition of an installed type such as ``sensor_msgs/msg/JointState``.

    Raises:
        LookupError: the package is not installed or has no such type.
    """
    description = _description(name)
    message = description['type_description_msg']
    fields = {
        entry['type_name']: entry['fields']
        for entry in (message['type_description'], *message['referenced_type_descriptions'])
    }
    hashes = {entry['type_name']: entry['hash_string'] for entry in description['type_hashes']}
    if name not in fields:
        raise LookupError(f'{name}: not among the installed interfaces')
    order = [name]
    for used_by in order:
        used = (field['type']['nested_type_name'] for field in fields[used_by])
        order += [other for other in dict.fromkeys(used) if other and other not in order]
    texts = [_source(name)]
    for other in order[1:]:
        texts.append(f'{SEPARATOR}\nMSG: {other.replace("/msg/", "/")}\n{_source(other)}')
    return Definition(name, '\n'.join(texts), hashes[name])


def _description(name: str) -> dict[str, Any]:
    package, kind, short = name.split('/')
    stem = short.split('_')[0] if kind == 'action' else short
    return json.loads(_share(package, f'{kind}/{stem}.json').read_text())


def _source(name: str) -> str:
    package, kind, short = name.split('/')
    if kind == 'msg':
        return _share(package, f'msg/{short}.msg').read_text()
    action = short.split('_')[0]
    if short.endswith(FEEDBACK_MESSAGE):
        feedback = f'{package}/action/{action}_Feedback'
        return f'unique_identifier_msgs/UUID goal_id\n{feedback} feedback\n'
    sections = _share(package, f'action/{action}.action').read_text().split('\n---\n')
    return sections[ACTION_SECTIONS.index(short.removeprefix(action))].strip() + '\n'


def _share(package: str, relative: str) -> Path:
    try:
        path = Path(get_package_share_directory(package)) / relative
    except PackageNotFoundError:
        raise LookupError(f'{package}: this ROS package is not installed') from None
    if not path.exists():
        raise LookupError(f'{path}: not installed')
    return path
