"""Make a whole bag of one whose writer died."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from mcap.records import Channel, Message, Schema

from vag_ros.bag import reader
from vag_ros.bag.definitions import Definition
from vag_ros.bag.writer import (
    METADATA_FILE,
    RECORDING_SUFFIX,
    BagState,
    BagWriter,
)


@dataclass(frozen=True)
class Recovery:
    """What was recovered, and where it lies."""

    path: Path
    messages: int
    topics: int


def recover(bag: Path, out: Path | None = None) -> Recovery:
    """Copy every intact message of ``bag``, in file order, to a new bag; the original stays.

    Args:
        bag: the bag's folder or its ``.mcap`` file.
        out: folder of the new bag; by default beside the original, its name ending in
            ``_recovered``.

    Raises:
        BagError: there is no bag, nothing intact in it, or ``out`` exists already.
        OSError: ``out`` can't be written.
    """
    bag = Path(bag)
    mcap = reader.mcap_file(bag)
    name = (bag.stem if bag.is_file() else bag.name).removesuffix(RECORDING_SUFFIX)
    out = Path(out) if out is not None else bag.absolute().parent / f'{name}_recovered'
    partial = out.with_name(out.name + RECORDING_SUFFIX)
    for path in (out, partial):
        if path.exists():
            raise reader.BagError(f'{path}: exists already, nothing was written')
    folder = bag if bag.is_dir() else bag.parent
    writer = BagWriter(partial, reader.read_custom_data(folder))
    messages = _copy(mcap, writer)
    topics = len(writer.topics)
    if not messages:
        writer.abandon()
        for file in (partial / f'{out.name}.mcap', partial / METADATA_FILE):
            file.unlink()
        partial.rmdir()
        raise reader.BagError(f'{mcap}: holds no intact message, nothing was written')
    return Recovery(writer.close(out, BagState.RECOVERED), messages, topics)


def _copy(mcap: Path, writer: BagWriter) -> int:
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    messages = 0
    for record in reader.intact_records(mcap):
        if isinstance(record, Schema):
            schemas[record.id] = record
        elif isinstance(record, Channel) and record.id not in channels:
            channels[record.id] = record
            schema = schemas[record.schema_id]
            definition = Definition(
                schema.name, schema.data.decode(), record.metadata.get('topic_type_hash', '')
            )
            qos = yaml.safe_load(record.metadata.get('offered_qos_profiles', '')) or []
            writer.add_topic(record.topic, definition, qos)
        elif isinstance(record, Message):
            topic = channels[record.channel_id].topic
            writer.write(topic, record.data, record.log_time, record.publish_time)
            messages += 1
    return messages
