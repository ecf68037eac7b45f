"""The library of recorded episodes: list, label, set aside; never delete.

An episode is a folder below ``episodes/``, its bag a folder of the same name below ``bags/``. A
label goes into both: ``success`` and ``provenance.operator`` of ``episode.json``, ``vag.success``
and ``vag.note`` of the ``custom_data`` in the bag's ``metadata.yaml``.
"""

import dataclasses
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from vag_core.episode import list_episodes

SET_ASIDE = 'set_aside'
"""Folder beside the episodes; what lies in it is no longer listed or trained on."""
UNREADABLE = (
    AttributeError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    yaml.YAMLError,
    zipfile.BadZipFile,
)


@dataclasses.dataclass(frozen=True)
class Record:
    """What the library knows of one episode.

    Attributes:
        folder: of the episode.
        bags: folders of its bags, the oldest first.
        instruction, success, note: as in the episode; success None where nobody judged.
        recorded: when it was generated, UTC.
        duration: s.
        replayed: the newest of them in which the arms were moved, None without one.
        clamps: points moved onto a limit, by joint; None when no bag tells.
        outcome: how its last replay ended, '' when well, None when no bag tells. One that was
            refused counts only where none has moved the arms.
        set_aside: whether it lies in the set-aside folder.
    """

    folder: Path
    bags: tuple[Path, ...]
    replayed: Path | None
    instruction: str
    success: bool | None
    note: str
    recorded: datetime
    duration: float
    clamps: Mapping[str, int] | None
    outcome: str | None
    set_aside: bool

    @property
    def episode_id(self) -> str:
        """Name of the episode."""
        return self.folder.name


class Library:
    """The episodes below one folder.

    Args:
        root: holds ``episodes/`` and ``bags/``.
    """

    def __init__(self, root: Path) -> None:
        self._episodes = Path(root) / 'episodes'
        self._bags = Path(root) / 'bags'

    def records(
        self, set_aside: bool = False, on_unreadable: Callable[[ValueError], None] = lambda _: None
    ) -> list[Record]:
        """List the episodes, or those that were set aside, the oldest first.

        Args:
            set_aside: which of the two.
            on_unreadable: told of each folder that is left out, and why.
        """
        found = []
        for folder in list_episodes(self._root(set_aside)):
            try:
                found.append(self._record(folder, set_aside))
            except ValueError as error:
                on_unreadable(error)
        return sorted(found, key=lambda record: record.recorded)

    def find(self, episode_id: str) -> Record:
        """Return an episode by its name, set aside or not.

        Raises:
            ValueError: there is none of that name, or it can't be read.
        """
        for set_aside in (False, True):
            for folder in list_episodes(self._root(set_aside)):
                if folder.name == episode_id:
                    return self._record(folder, set_aside)
        raise ValueError(f'episode {episode_id!r}: not in {self._episodes}')

    def label(self, episode_id: str, success: bool | None, note: str | None) -> Record:
        """Write a label into an episode and its bags; None leaves as it is."""
        record = self.find(episode_id)
        path = record.folder / 'episode.json'
        header = json.loads(path.read_text())
        operator = header['provenance'].setdefault('operator', {})
        custom = {}
        if success is not None:
            header['success'] = success
            custom['vag.success'] = json.dumps(success)
        if note is not None:
            operator['note'] = custom['vag.note'] = note
        operator['labelled'] = custom['vag.labelled'] = f'{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}'
        _replace(path, json.dumps(header, indent=2) + '\n')
        for bag in record.bags:
            _update_custom_data(bag / 'metadata.yaml', custom)
        return self.find(episode_id)

    def move(self, episode_id: str, aside: bool) -> Record:
        """Set an episode aside, or bring it back; its bags stay where they are.

        Raises:
            ValueError: it is there already, or another of its name is.
        """
        record = self.find(episode_id)
        if record.set_aside == aside:
            raise ValueError(f'episode {episode_id}: {"already" if aside else "not"} set aside')
        target = self._root(aside) / episode_id
        if target.exists():
            raise ValueError(f'{target}: is there already')
        target.parent.mkdir(exist_ok=True)
        record.folder.rename(target)
        return self.find(episode_id)

    def _root(self, set_aside: bool) -> Path:
        return self._episodes / SET_ASIDE if set_aside else self._episodes

    def _record(self, folder: Path, set_aside: bool) -> Record:
        path = folder / 'episode.json'
        try:
            header = json.loads(path.read_text())
            provenance = header['provenance']
            steps = _steps(folder)
            bags = self._bags_of(folder.name)
            replayed = next((bag for bag in reversed(bags) if _moved(bag)), None)
            custom = _custom_data(replayed or bags[-1]) if bags else {}
            clamps = custom.get('vag.position_clamps')
            return Record(
                folder=folder,
                bags=bags,
                replayed=replayed,
                instruction=header['instruction'],
                success=header['success'],
                note=provenance.get('operator', {}).get('note', ''),
                recorded=datetime.fromtimestamp(header['stamp_ns'] * 1e-9, UTC),
                duration=(steps - 1) / header['fps'],
                clamps=None if clamps is None else json.loads(clamps),
                outcome=custom.get('vag.replay_error_string'),
                set_aside=set_aside,
            )
        except UNREADABLE as error:
            raise ValueError(f'{path}: no readable episode: {error!r}') from None

    def _bags_of(self, episode_id: str) -> tuple[Path, ...]:
        """Bags are named after the episode; a repeated replay adds a number."""
        found = [self._bags / episode_id, *self._bags.glob(f'{episode_id}_*')]
        own = [bag for bag in found if _custom_data(bag).get('vag.episode_id') == episode_id]
        return tuple(sorted(own, key=lambda bag: (bag / 'metadata.yaml').stat().st_mtime))


def _steps(folder: Path) -> int:
    """Return the number of actions, from the header of the array alone."""
    import numpy as np

    with zipfile.ZipFile(folder / 'arrays.npz') as arrays, arrays.open('actions.npy') as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        return read(file)[0][0] if version == (1, 0) else np.lib.format.read_array(file).shape[0]


def _moved(bag: Path) -> bool:
    """Say whether a bag holds commands to the arms."""
    return int(_custom_data(bag).get('vag.commands_sent', '0')) > 0


def _custom_data(bag: Path) -> Mapping[str, str]:
    path = bag / 'metadata.yaml'
    if not path.is_file():
        return {}
    return _information(yaml.safe_load(path.read_text())).get('custom_data') or {}


def _information(document: Any) -> dict[str, Any]:
    return document['rosbag2_bagfile_information']


def _update_custom_data(path: Path, custom: Mapping[str, str]) -> None:
    document = yaml.safe_load(path.read_text())
    information = _information(document)
    information['custom_data'] = {**(information.get('custom_data') or {}), **custom}
    _replace(path, yaml.safe_dump(document, sort_keys=False))


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it sees the old or the new one."""
    with tempfile.NamedTemporaryFile('w', dir=path.parent, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(path.stat().st_mode)
    Path(file.name).replace(path)
