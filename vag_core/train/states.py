"""What a run can be continued from: folders on disk that are whole or not there.

``<stage>/step_<n>`` holds weights, averaged weights, optimiser and progress after step n;
``<stage>/finished`` the weights that the stage ends with. A folder appears under its name when it
is complete, and older ones are removed after that, so a whole one is there at any moment.
"""

import json
import math
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vag_core.files import new_folder

FINISHED = 'finished'
TAIL = 50


@dataclass
class StageProgress:
    """How far a stage is.

    Attributes:
        losses: of each step so far.
        seconds: spent on these steps.
    """

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def step(self) -> int:
        """The last finished step; 0 before the first."""
        return len(self.losses)

    @property
    def final_loss(self) -> float:
        """Mean loss of the last ``TAIL`` steps."""
        tail = self.losses[-TAIL:]
        return math.fsum(tail) / len(tail)


@dataclass
class StageState:
    """Everything of a stage after a step; tensors by full name, on the CPU, unsharded."""

    progress: StageProgress
    weights: dict[str, Tensor]
    average: dict[str, Tensor] | None
    optimiser: dict


def weights_of(part: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights below a part of what was trained together, by their names in it."""
    prefix = f'parts.{part}.'
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


class States:
    """The states of one run below ``folder``."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = Path(folder)
        self.keep = keep

    def clean(self) -> None:
        """Remove what a killed process left half written."""
        for partial in self.folder.glob('*/.*.partial-*'):
            shutil.rmtree(partial)

    def save(self, stage: str, state: StageState) -> Path:
        """Write a state, then remove all but the last ``keep``."""
        folder = self.folder / stage / f'step_{state.progress.step:08d}'
        if not folder.exists():
            with new_folder(folder) as partial:
                save_file(state.weights, partial / 'weights.safetensors')
                if state.average is not None:
                    save_file(state.average, partial / 'average.safetensors')
                torch.save(state.optimiser, partial / 'optimiser.pt')
                _write_progress(partial, state.progress)
        for old in self._steps(stage)[: -self.keep]:
            shutil.rmtree(old)
        return folder

    def latest(self, stage: str) -> StageState | None:
        """Return the last state of a stage, or None."""
        folders = self._steps(stage)
        if not folders:
            return None
        folder = folders[-1]
        average = folder / 'average.safetensors'
        return StageState(
            progress=_read_progress(folder),
            weights=load_file(folder / 'weights.safetensors'),
            average=load_file(average) if average.exists() else None,
            optimiser=torch.load(folder / 'optimiser.pt', weights_only=True),
        )

    def last_step(self, stage: str) -> int | None:
        """Return the step of the last state of a stage, or None."""
        folders = self._steps(stage)
        return int(folders[-1].name.removeprefix('step_')) if folders else None

    def finish(self, stage: str, progress: StageProgress, weights: dict[str, Tensor]) -> None:
        """Write what a stage ends with, then remove its states on the way."""
        with new_folder(self.folder / stage / FINISHED) as partial:
            save_file(weights, partial / 'weights.safetensors')
            _write_progress(partial, progress)
        for old in self._steps(stage):
            shutil.rmtree(old)

    def finished(self, stage: str) -> tuple[StageProgress, dict[str, Tensor]] | None:
        """Return what a stage ended with, or None while it has not."""
        folder = self.folder / stage / FINISHED
        if not folder.exists():
            return None
        return _read_progress(folder), load_file(folder / 'weights.safetensors')

    def _steps(self, stage: str) -> list[Path]:
        return sorted((self.folder / stage).glob('step_*'))


def _write_progress(folder: Path, progress: StageProgress) -> None:
    (folder / 'progress.json').write_text(json.dumps(asdict(progress)) + '\n')


def _read_progress(folder: Path) -> StageProgress:
    return StageProgress(**json.loads((folder / 'progress.json').read_text()))
