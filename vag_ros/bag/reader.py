"""Look into a bag, whole or not: topics, counts, rates, custom data. Needs no ROS."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Channel, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader

from vag_ros.bag.writer import MCAP_RECORD, METADATA_FILE, METADATA_VERSION

# What the reader of mcap raises on a file that ends early or holds rubbish.
DAMAGE = (McapError, ValueError, struct.error, EOFError, KeyError, MemoryError, OverflowError)
RECORD_LIMIT = 2**30
# Magic, footer record, magic.
SHORTEST = 8 + 29 + 8


class BagError(ValueError):
    """A bag can't be used for what was asked; the message names it and says why."""


@dataclass(frozen=True)
class TopicInfo:
    """One topic of a bag."""

    name: str
    type_name: str
    count: int
    first_ns: int
    last_ns: int

    @property
    def rate_hz(self) -> float | None:
        """Mean rate between the first and the last message, None for fewer than two."""
        span = self.last_ns - self.first_ns
        return (self.count - 1) * 1e9 / span if self.count > 1 and span else None


@dataclass(frozen=True)
class BagInfo:
    """What is in a bag.

    Attributes:
        problem: why readers will refuse the bag; empty when it is whole.
        size: bytes of the MCAP file.
    """

    path: Path
    problem: str
    topics: tuple[TopicInfo, ...]
    custom_data: dict[str, str]
    size: int

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last message."""
        first = min((topic.first_ns for topic in self.topics), default=0)
        return (max((topic.last_ns for topic in self.topics), default=0) - first) / 1e9


def inspect(path: Path) -> BagInfo:
    """Read a bag through, as far as it can be read.

    Raises:
        BagError: there is no bag at ``path``.
    """
    path = Path(path)
    mcap = mcap_file(path)
    topics: dict[int, TopicInfo] = {}
    schemas: dict[int, Schema] = {}
    custom_data: dict[str, str] = {}
    for record in intact_records(mcap):
        if isinstance(record, Schema):
            schemas[record.id] = record
        elif isinstance(record, Channel):
            name = schemas[record.schema_id].name
            topics.setdefault(record.id, TopicInfo(record.topic, name, 0, 0, 0))
        elif isinstance(record, Metadata) and record.name == MCAP_RECORD:
            custom_data = record.metadata
        elif isinstance(record, Message):
            topics[record.channel_id] = _counted(topics[record.channel_id], record.log_time)
    # A label is written into metadata.yaml alone, after the recording.
    custom_data = {**custom_data, **read_custom_data(path)}
    found = tuple(sorted(topics.values(), key=lambda topic: topic.name))
    return BagInfo(path, find_problem(path), found, custom_data, mcap.stat().st_size)


def mcap_file(path: Path) -> Path:
    """Return the MCAP file of a bag given by its folder or by that file itself.

    Raises:
        BagError: there is none, or more than one.
    """
    if path.is_file() and path.suffix == '.mcap':
        return path
    files = sorted(path.glob('*.mcap')) if path.is_dir() else []
    if len(files) != 1:
        raise BagError(f'{path}: {len(files)} .mcap files, a bag of one episode has 1')
    return files[0]


def find_problem(path: Path) -> str:
    """Return why readers will refuse the bag, or an empty string."""
    mcap = mcap_file(path)
    if mcap.stat().st_size < SHORTEST:
        return f'{mcap.name} was not closed ({mcap.stat().st_size} bytes)'
    try:
        with mcap.open('rb') as file:
            summary = make_reader(file).get_summary()
    except DAMAGE as error:
        return f'{mcap.name} was not closed ({error or type(error).__name__})'
    if summary is None or summary.statistics is None:
        return f'{mcap.name} has no index'
    return _metadata_problem(path, mcap.name) if path.is_dir() else ''


def _metadata_problem(path: Path, mcap_name: str) -> str:
    information = _information(path)
    if information is None:
        return f'{METADATA_FILE} is missing or broken'
    if information.get('relative_file_paths') != [mcap_name]:
        return f'{METADATA_FILE} names another file than {mcap_name}'
    if information.get('version') != METADATA_VERSION:
        return f'{METADATA_FILE} is not of version {METADATA_VERSION}'
    return ''


def read_custom_data(path: Path) -> dict[str, str]:
    """Return the custom data of ``metadata.yaml``, empty where there are none."""
    information = _information(path) or {}
    return dict(information.get('custom_data') or {})


def intact_records(mcap: Path) -> Iterator[McapRecord]:
    """Yield every record in file order up to the end or the first damage."""
    with mcap.open('rb') as file:
        yield from _until_damage(file)


def _until_damage(file: IO[bytes]) -> Iterator[McapRecord]:
    records = StreamReader(file, validate_crcs=True, record_size_limit=RECORD_LIMIT).records
    while True:
        try:
            yield next(records)
        except (StopIteration, *DAMAGE):
            return


def _counted(topic: TopicInfo, time_ns: int) -> TopicInfo:
    first = min(topic.first_ns, time_ns) if topic.count else time_ns
    return TopicInfo(
        topic.name, topic.type_name, topic.count + 1, first, max(topic.last_ns, time_ns)
    )


def _information(path: Path) -> dict[str, Any] | None:
    try:
        content = yaml.safe_load((path / METADATA_FILE).read_text())
        return content['rosbag2_bagfile_information']
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None
