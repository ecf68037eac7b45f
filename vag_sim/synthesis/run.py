"""A set of synthesised episodes: made in parallel, each written whole, continued where it stopped.

The set's folder holds ``kept/``, ``rejected/`` and ``unjudged/`` with a folder per episode,
``synthesis.json`` with the settings, ``summary.json`` and ``summary.md``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vag_core.checkpoint import find_checkpoint
from vag_core.configuration import ConfigError
from vag_core.robot import load_profile
from vag_sim.pool import run_parallel
from vag_sim.synthesis.make import Work, make_episode
from vag_sim.synthesis.settings import Item, PictureItem, SceneItem, Settings, open_set
from vag_sim.synthesis.summary import FOLDERS
from vag_sim.synthesis.verdict import Judgement


@dataclass(frozen=True)
class Synthesis:
    """The work on a set: what is missing, and how much there is in all."""

    missing: Sequence[Work]
    total: int

    def run(self, workers: int | None = None) -> Iterator[Judgement]:
        """Make what is missing and yield each verdict when its episode is written."""
        return run_parallel(make_episode, self.missing, workers)


def plan_synthesis(items: Sequence[Item], settings: Settings, out: Path) -> Synthesis:
    """Check everything that can be checked, open the set and return its work.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ConfigError: the checkpoint is of another robot, needs what an item does not give, or
            ``out`` was begun with other settings.
    """
    _, cfg = find_checkpoint(settings.checkpoint)
    profile = load_profile('sim')
    scenes = any(isinstance(item, SceneItem) for item in items)
    if scenes and cfg.embodiment.dimension != len(profile.joint_names):
        raise ConfigError(
            f'{settings.checkpoint}: embodiment {cfg.embodiment.name} has '
            f'{cfg.embodiment.dimension} dimensions, the twin {len(profile.joint_names)} joints'
        )
    known = [view.key for view in (profile.camera, *profile.other_cameras)]
    if scenes and cfg.camera not in known:
        raise ConfigError(
            f'{settings.checkpoint}: camera = {cfg.camera!r}: the twin has {", ".join(known)}'
        )
    if cfg.model.action.start_state:
        for item in items:
            if isinstance(item, PictureItem) and item.job.start_state is None:
                raise ConfigError(
                    f'{item.job.image}: start_state: missing; checkpoint {settings.checkpoint} '
                    f'needs the {cfg.embodiment.dimension} joint positions at the picture'
                )
    named = {item.name(settings): item for item in items}
    open_set(out, settings)
    missing = [
        Work(item, settings, out)
        for name, item in named.items()
        if not any((out / part / name).exists() for part in FOLDERS)
    ]
    return Synthesis(missing, len(named))
