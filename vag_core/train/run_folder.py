"""The folder of a training run: new, to be continued, or already done."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vag_core.configuration import ConfigError, to_mapping
from vag_core.files import write_whole
from vag_core.train.processes import Processes
from vag_core.train.states import States

RUN_FILE = 'run.json'
METRICS_FILE = 'metrics.json'


def comparable(recipe: object, operation: Iterable[str]) -> dict[str, Any]:
    """Return a recipe as JSON values, without the fields of its training that alter no number."""
    mapping = to_mapping(recipe)
    for name in operation:
        mapping['training'].pop(name)
    return mapping


def open_run(
    out: Path,
    about: dict[str, Any],
    *,
    resume: bool,
    product: str,
    states: States,
    processes: Processes,
) -> None:
    """Check and mark the folder of a run.

    Args:
        out: the folder.
        about: what a continued run must have in common with its beginning; JSON values.
        resume: whether to continue what is there; an empty folder is begun.
        product: name of what the run makes in ``out``.
        states: of the run, which are cleaned of what a killed process left.
        processes: of the run, which wait for each other.

    Raises:
        FileExistsError: the run is finished, or there is one that is not to be continued.
        ConfigError: the run to continue is another one; what differs is named.
    """
    file = out / RUN_FILE
    unmeasured = resume and not (out / METRICS_FILE).exists()
    if (out / product).exists() and not unmeasured:
        raise FileExistsError(f'{out / product}: exists already, nothing was trained')
    if file.exists():
        if not resume:
            raise FileExistsError(f'{out}: holds a run; --resume continues it')
        found, wanted = json.loads(file.read_text()), json.loads(json.dumps(about))
        differing = [key for key in wanted if wanted[key] != found.get(key)]
        if differing:
            raise ConfigError(f'{file}: the run was begun with another {", ".join(differing)}')
    processes.wait()
    if processes.main:
        write_whole(file, (json.dumps(about, indent=2) + '\n').encode())
        states.clean()
    processes.wait()
