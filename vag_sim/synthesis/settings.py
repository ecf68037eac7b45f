"""What a set of synthesised episodes is made with, and what it is made of."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vag_core.configuration import ConfigError
from vag_core.files import write_whole
from vag_core.jobs import Job
from vag_sim.demos import episode_name
from vag_sim.splits import split_of
from vag_sim.tasks import make_task

SETTINGS_FILE = 'synthesis.json'
LARGEST_NOISE = 2**31 - 1


@dataclass(frozen=True)
class Settings:
    """What all episodes of a set have in common.

    Attributes:
        checkpoint: its folder.
        checkpoint_hash: of the folder.
        min_consistency: lowest PSNR of video against replay of an episode that is kept, dB.
        noise: number of the noise, from 0; with another number a scene gives another episode.
        steps: of the sampler; None for the checkpoint's own.
    """

    checkpoint: Path
    checkpoint_hash: str
    min_consistency: float
    noise: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        if not math.isfinite(self.min_consistency):
            raise ConfigError(f'--min-consistency = {self.min_consistency}: must be finite, in dB')
        if not 0 <= self.noise <= LARGEST_NOISE:
            raise ConfigError(f'--noise = {self.noise}: must lie in 0..{LARGEST_NOISE}')
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f'--steps = {self.steps}: must be at least 1')

    def to_mapping(self) -> dict[str, Any]:
        """Return what decides on the content of the set; JSON values only."""
        return {**asdict(self), 'checkpoint': self.checkpoint.name}


@dataclass(frozen=True)
class SceneItem:
    """An episode that starts from the scene of a seed in the twin."""

    task: str
    seed: int

    def name(self, settings: Settings) -> str:
        """Name of the episode and its folder."""
        return f'{episode_name(self.task, self.seed)}_n{settings.noise}'


@dataclass(frozen=True)
class PictureItem:
    """An episode that starts from a picture; nothing is known of what it shows."""

    job: Job

    def name(self, settings: Settings) -> str:
        """Name of the episode and its folder."""
        return self.job.name(settings.checkpoint_hash, settings.noise, settings.steps)


Item = SceneItem | PictureItem


def check_scene(task: str, seed: int) -> SceneItem:
    """Return the item of a scene; ValueError for an unknown task or a seed out of range."""
    make_task(task)
    split_of(task, seed)
    return SceneItem(task, seed)


def open_set(out: Path, settings: Settings) -> None:
    """Mark ``out`` as a set made with these settings.

    Raises:
        ConfigError: it is one made with others; each is named with both values.
    """
    path = out / SETTINGS_FILE
    wanted = settings.to_mapping()
    if path.exists():
        found = json.loads(path.read_text())
        for name, value in wanted.items():
            # A checkpoint is known by its content, whatever its folder is called.
            if name != 'checkpoint' and found.get(name) != value:
                raise ConfigError(
                    f'{out}: was begun with {name} = {found.get(name)}, wanted is {value}: '
                    'choose another folder'
                )
        return
    write_whole(path, (json.dumps(wanted, indent=2) + '\n').encode())
