"""Write a rosbag2 bag (MCAP, metadata version 9) that survives the death of its writer.

The bag is a folder with one ``.mcap`` file and ``metadata.yaml``. While it is written its name
ends in ``.recording``; closing it gives file and folder their final name. Each
:meth:`BagWriter.flush` ends an MCAP chunk and hands it to the disk, so a crash loses only what was
written after the last flush.
"""

import concurrent.futures
import enum
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from mcap.writer import CompressionType, Writer

from vag_ros.bag.definitions import Definition

RECORDING_SUFFIX = '.recording'
METADATA_FILE = 'metadata.yaml'
METADATA_VERSION = 9
MCAP_RECORD = 'vag'
STATE_KEY = 'vag.state'


class BagState(enum.StrEnum):
    """Value of ``vag.state`` in a bag's custom data."""

    RECORDING = 'recording'
    COMPLETE = 'complete'
    RECOVERED = 'recovered'


@dataclass
class _Topic:
    """One topic of an open bag."""

    definition: Definition
    qos: list[dict[str, Any]]
    channel: int
    count: int = 0


class BagWriter:
    """One bag, open for writing; not safe for use from several threads at once.

    Attributes:
        path: the bag's folder; :meth:`close` changes it.
        custom_data: strings by key for ``metadata.yaml``; see :meth:`update_custom_data`.
    """

    def __init__(self, folder: Path, custom_data: dict[str, str]) -> None:
        """Create ``folder`` and open the bag in it.

        Raises:
            OSError: the folder exists already or can't be written.
        """
        self.path = Path(folder)
        self.path.mkdir(parents=True)
        self.custom_data = {**custom_data, STATE_KEY: BagState.RECORDING.value}
        self._name = self.path.name.removesuffix(RECORDING_SUFFIX) + '.mcap'
        self._topics: dict[str, _Topic] = {}
        self._start_ns: int | None = None
        self._end_ns = 0
        self._opened_ns = time.time_ns()
        self._sync = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix='fsync')
        self._synced: concurrent.futures.Future | None = None
        self._file = (self.path / self._name).open('xb', buffering=0)
        # Joint states hardly fill a chunk between two flushes and camera images are compressed
        # already, so compression would cost time for nothing.
        self._writer = Writer(self._file, compression=CompressionType.NONE)
        self._writer.start(profile='ros2', library='vag_ros')
        self._write_metadata()

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics so far."""
        return tuple(self._topics)

    def add_topic(self, topic: str, definition: Definition, qos: list[dict[str, Any]]) -> None:
        """Announce a topic before its first message.

        Args:
            topic: absolute name.
            definition: of its type.
            qos: profiles that its publishers offer, one mapping each with the keys of rosbag2.
        """
        schema = self._writer.register_schema(
            definition.type_name, 'ros2msg', definition.text.encode()
        )
        metadata = {
            'offered_qos_profiles': yaml.safe_dump(qos, sort_keys=False) if qos else '',
            'topic_type_hash': definition.type_hash,
        }
        channel = self._writer.register_channel(topic, 'cdr', schema, metadata)
        self._topics[topic] = _Topic(definition, qos, channel)

    def write(self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int) -> None:
        """Append one message as it was received: CDR bytes, and when it was received and sent."""
        entry = self._topics[topic]
        self._writer.add_message(
            entry.channel, log_time_ns, data, publish_time_ns, sequence=entry.count
        )
        entry.count += 1
        self._start_ns = min(self._start_ns or log_time_ns, log_time_ns)
        self._end_ns = max(self._end_ns, log_time_ns)

    def update_custom_data(self, data: dict[str, str]) -> None:
        """Add to the custom data and write them at once, for whoever must recover the bag."""
        if any(self.custom_data.get(key) != value for key, value in data.items()):
            self.custom_data.update(data)
            self._write_metadata()

    def flush(self) -> None:
        """Hand everything written so far to the disk, without waiting for the disk.

        Raises:
            OSError: the disk is full or gone, now or at the last flush.
        """
        self._writer.flush()
        if self._synced is not None:
            if not self._synced.done():
                return
            self._synced.result()
        self._synced = self._sync.submit(os.fsync, self._file.fileno())

    def close(self, folder: Path, state: BagState = BagState.COMPLETE) -> Path:
        """Complete the bag, move it to the new ``folder`` and return that.

        Raises:
            OSError: the bag can't be completed; it stays under its present name.
        """
        self.custom_data[STATE_KEY] = state.value
        self._writer.add_metadata(MCAP_RECORD, self.custom_data)
        name = f'{Path(folder).name}.mcap'
        information = self._information(name)
        self._writer.add_metadata(
            'rosbag2', {'serialized_metadata': yaml.safe_dump(information, sort_keys=False)}
        )
        self._writer.finish()
        self._writer.flush()
        self._sync.shutdown()
        os.fsync(self._file.fileno())
        self._file.close()
        (self.path / self._name).rename(self.path / name)
        self._name = name
        self._write_metadata()
        self.path = self.path.rename(folder)
        _sync_folder(self.path.parent)
        return self.path

    def abandon(self) -> None:
        """Close the file as it is; what was flushed can be recovered."""
        self._sync.shutdown()
        self._file.close()

    def _write_metadata(self) -> None:
        path = self.path / METADATA_FILE
        partial = path.with_suffix('.yaml.partial')
        with partial.open('w') as file:
            content = {'rosbag2_bagfile_information': self._information(self._name)}
            yaml.safe_dump(content, file, sort_keys=False, allow_unicode=True)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(self.path)

    def _information(self, name: str) -> dict[str, Any]:
        start = self._opened_ns if self._start_ns is None else self._start_ns
        times = {
            'duration': {'nanoseconds': max(0, self._end_ns - start)},
            'starting_time': {'nanoseconds_since_epoch': start},
            'message_count': sum(entry.count for entry in self._topics.values()),
        }
        return {
            'version': METADATA_VERSION,
            'storage_identifier': 'mcap',
            'relative_file_paths': [name],
            **_copy(times),
            'topics_with_message_count': [
                {
                    'topic_metadata': {
                        'name': topic,
                        'type': entry.definition.type_name,
                        'serialization_format': 'cdr',
                        'offered_qos_profiles': entry.qos,
                        'type_description_hash': entry.definition.type_hash,
                    },
                    'message_count': entry.count,
                }
                for topic, entry in self._topics.items()
            ],
            'compression_format': '',
            'compression_mode': '',
            'files': [{'path': name, **_copy(times)}],
            'custom_data': dict(self.custom_data),
            'ros_distro': os.environ.get('ROS_DISTRO', 'jazzy'),
        }


def unique_path(folder: Path, name: str) -> Path:
    """Return ``folder/name``, or with ``_2``, ``_3`` ... where that exists, finished or not."""
    number = 1
    while True:
        path = Path(folder) / (name if number == 1 else f'{name}_{number}')
        if not path.exists() and not path.with_name(path.name + RECORDING_SUFFIX).exists():
            return path
        number += 1


def _copy(times: dict[str, Any]) -> dict[str, Any]:
    """Copy nested mappings, so that YAML writes them twice instead of an alias."""
    return {key: dict(v) if isinstance(v, dict) else v for key, v in times.items()}


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
