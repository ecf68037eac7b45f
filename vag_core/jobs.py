"""What to generate: jobs from a command line or a file, each with a name of its own."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vag_core.images import decode_image

FIELDS = ('instruction', 'image', 'seed', 'start_state')
SEED_LIMIT = 2**63


class JobError(ValueError):
    """A job that can't be done; the message names file, entry, field and value."""


@dataclass(frozen=True)
class Job:
    """One episode to generate.

    Attributes:
        instruction: what the robot shall do.
        image: JPEG or PNG file that it starts from.
        seed: of the noise.
        start_state: joint positions at the image, for checkpoints that ask for them.
    """

    instruction: str
    image: Path
    seed: int
    start_state: tuple[float, ...] | None = None

    def name(self, *settings: Any) -> str:
        """Return the episode's name: the same job with the same settings has the same one."""
        picture = hashlib.sha256(self.image.read_bytes()).hexdigest()
        content = json.dumps(
            [self.instruction, picture, self.seed, self.start_state, *settings], default=str
        )
        words = '_'.join(re.findall(r'[a-z0-9]+', self.instruction.lower()))[:40].strip('_')
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        return '_'.join(filter(None, [words, f's{self.seed}', digest]))

    def pixels(self) -> np.ndarray:
        """Return the image as (H, W, 3) uint8 RGB; JobError when it is none."""
        try:
            return decode_image(self.image.read_bytes())
        except OSError as error:
            raise JobError(f'image {self.image}: {error.strerror}') from None
        except ValueError as error:
            raise JobError(f'image {self.image}: {error}') from None


def read_jobs(path: Path, image: Path | None, seed: int) -> list[Job]:
    """Read jobs from a file.

    ``.yaml``, ``.yml`` and ``.json`` hold a list, ``.jsonl`` an entry a line, ``.csv`` a row of
    names and an entry a row (an empty cell says nothing; numbers as in YAML), any other file an
    instruction a line. An entry is an instruction or a mapping with ``instruction`` and perhaps
    ``image`` (relative to the file), ``seed`` and ``start_state``.

    Args:
        path: the file.
        image, seed: for entries without their own.

    Raises:
        JobError: naming the entry, its field and value.
    """
    try:
        text = Path(path).read_text()
    except OSError as error:
        raise JobError(f'{path}: {error.strerror}') from None
    except UnicodeDecodeError:
        raise JobError(f'{path}: no text in UTF-8') from None
    jobs = [
        _job(where, entry, Path(path).parent, image, seed)
        for where, entry in _entries(Path(path), text)
    ]
    if not jobs:
        raise JobError(f'{path}: no instruction')
    return jobs


def with_seeds(jobs: Iterable[Job], count: int) -> list[Job]:
    """Repeat every job with ``count`` seeds from its own on."""
    return [replace(job, seed=job.seed + n) for job in jobs for n in range(count)]


def check(job: Job) -> Job:
    """Return ``job``; JobError for an instruction without words or a seed out of range."""
    if not job.instruction.strip():
        raise JobError('instruction: empty')
    if not 0 <= job.seed < SEED_LIMIT:
        raise JobError(f'seed = {job.seed}: must lie between 0 and 2^63 - 1')
    return job


def _entries(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    """Yield where each entry stands, and the entry."""
    if path.suffix in ('.yaml', '.yml', '.json'):
        try:
            entries = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise JobError(f'{path}: not readable: {error}') from None
        if not isinstance(entries, list):
            raise JobError(f'{path}: expected a list, found {type(entries).__name__}')
        yield from ((f'{path}: entry {n}', entry) for n, entry in enumerate(entries, 1))
        return
    if path.suffix == '.csv':
        rows = csv.DictReader(io.StringIO(text), strict=True)
        try:
            for row in rows:
                yield f'{path}:{rows.line_num}', _cells(row)
        except (csv.Error, yaml.YAMLError, ValueError) as error:
            raise JobError(f'{path}:{rows.line_num}: not readable: {error}') from None
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f'{path}:{number}'
        if path.suffix == '.jsonl':
            try:
                yield where, json.loads(line)
            except json.JSONDecodeError as error:
                raise JobError(f'{where}: not JSON: {error}') from None
        else:
            yield where, line.strip()


def _cells(row: dict[str, str | None]) -> dict[str, Any]:
    """Return what the cells of a row hold: text, or the numbers that their columns ask for."""
    if None in row:
        raise ValueError(f'{len(row[None])} more cells than names; quote what holds a comma')
    filled = {name: (cell or '').strip() for name, cell in row.items()}
    texts = ('instruction', 'image')
    return {
        name: cell if name in texts else yaml.safe_load(cell)
        for name, cell in filled.items()
        if cell
    }


def _job(where: str, entry: Any, folder: Path, image: Path | None, seed: int) -> Job:
    entry = {'instruction': entry} if isinstance(entry, str) else entry
    if not isinstance(entry, dict):
        raise JobError(f'{where}: expected an instruction or a mapping, found {entry!r}')
    unknown = sorted(map(str, entry.keys() - set(FIELDS)))
    if unknown:
        raise JobError(f'{where}: unknown: {", ".join(unknown)}; known are {", ".join(FIELDS)}')
    values = {'seed': seed, **entry}
    kinds = {'instruction': str, 'image': str, 'seed': int, 'start_state': list}
    for field, value in values.items():
        if not isinstance(value, kinds[field]) or isinstance(value, bool):
            raise JobError(
                f'{where}: {field} = {value!r}: must be of type {kinds[field].__name__}'
            )
    if 'instruction' not in values:
        raise JobError(f'{where}: instruction: missing')
    own = values.get('image')
    if own is None and image is None:
        raise JobError(f'{where}: image: missing, and --image gives none for all')
    state = values.get('start_state')
    try:
        state = None if state is None else tuple(float(value) for value in state)
        return check(
            Job(values['instruction'], folder / own if own else image, values['seed'], state)
        )
    except (JobError, TypeError, ValueError) as error:
        raise JobError(f'{where}: {error}') from None
