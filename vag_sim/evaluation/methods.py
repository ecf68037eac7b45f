"""The methods that are compared: where each has its video and its actions from."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vag_core.robot import load_profile
from vag_sim.tasks import FPS, STEPS

if TYPE_CHECKING:
    from vag_core.embodiment import Embodiment


class Source(enum.Enum):
    """Where a method has its video and its actions from.

    ``demonstration``: its actions; no video of its own. ``mean_action``: the mean of the training
    actions at every step; no video. ``first_frame``: the first picture throughout, the arms stay.
    ``model``: both from a checkpoint, together. ``generated``: the checkpoint's video, and actions
    read from it. ``truth``: actions read from the demonstration's video.
    """

    DEMONSTRATION = 'demonstration'
    MEAN_ACTION = 'mean_action'
    FIRST_FRAME = 'first_frame'
    MODEL = 'model'
    GENERATED = 'generated'
    TRUTH = 'truth'


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    Attributes:
        name: in the tables and files.
        source: where video and actions come from.
        checkpoint: folder of the checkpoint whose video it uses, or whose size and normaliser.
        identity: hash of the weights that it depends on.
        reader: folder of what reads actions from a video; None for the checkpoint's own action
            stream, run after the video.
    """

    name: str
    source: Source
    checkpoint: Path
    identity: str = ''
    reader: Path | None = None

    @property
    def samples(self) -> bool:
        """Whether another sampler seed can give another result."""
        after_video = self.source is Source.TRUTH and self.reader is None
        return self.generates or after_video

    @property
    def generates(self) -> bool:
        """Whether it has a generated video."""
        return self.source in (Source.MODEL, Source.GENERATED)


def find_methods(
    checkpoint: Path | str,
    literal: Path | str | None = None,
    readers: Sequence[Path | str] = (),
    names: Sequence[str] = (),
) -> list[Method]:
    """Return the methods that these folders make possible, of them those in ``names`` if any.

    Raises:
        ValueError: a folder holds nothing that fits the twin, or a name is unknown or twice there.
        FileNotFoundError: there is no such folder.
    """
    from vag_core.baselines.run import READER

    main, identity = _checkpoint(checkpoint)
    methods = [
        Method('demonstration', Source.DEMONSTRATION, main),
        Method('vag', Source.MODEL, main, identity),
    ]
    if literal is not None:
        methods.append(Method('literal', Source.MODEL, *_checkpoint(literal)))
    found = [('after_video', None, identity)]
    for reader in readers:
        folder, own = _reader(reader)
        # A training run calls every reader's folder the same; its own folder tells them apart.
        name = folder.parent.name if folder.name == READER else folder.name
        found.append((name.removeprefix(f'{main.name}_'), folder, f'{identity}+{own}'))
    for suffix, source in (('', Source.GENERATED), ('_on_truth', Source.TRUTH)):
        methods += [Method(name + suffix, source, main, own, at) for name, at, own in found]
    methods += [
        Method('copy_first_frame', Source.FIRST_FRAME, main, identity),
        Method('mean_action', Source.MEAN_ACTION, main, identity),
    ]
    known = [method.name for method in methods]
    for name in known:
        if known.count(name) > 1:
            raise ValueError(f'--reader: {known.count(name)} methods would be called {name}')
    for name in names:
        if name not in known:
            raise ValueError(f'--methods = {name!r}: possible here are {", ".join(known)}')
    return [method for method in methods if not names or method.name in names]


def companions(checkpoint: Path) -> tuple[Path | None, list[Path]]:
    """Return the literal checkpoint and the readers that lie beside a checkpoint's folder.

    Their names begin with its own: ``NAME_literal``, and ``NAME_...`` for every reader.
    """
    literal = checkpoint.with_name(f'{checkpoint.name}_literal')
    weights = sorted(checkpoint.parent.glob(f'{checkpoint.name}_*/model.safetensors'))
    return literal if literal.is_dir() else None, [path.parent for path in weights]


def _checkpoint(path_or_name: Path | str) -> tuple[Path, str]:
    """Return folder and hash of a checkpoint that fits the twin."""
    from vag_core.checkpoint import find_checkpoint, hash_folder

    folder, cfg = find_checkpoint(path_or_name)
    if cfg.model.frames > STEPS:
        raise ValueError(
            f'checkpoint {folder}: frames = {cfg.model.frames}: a demonstration has {STEPS}'
        )
    _check_fit(folder, cfg.embodiment, cfg.camera, cfg.fps)
    return folder, hash_folder(folder)


def _reader(path_or_name: Path | str) -> tuple[Path, str]:
    """Return folder and hash of a reader that fits the twin."""
    from vag_core.baselines.reader import ReaderConfig
    from vag_core.checkpoint import CONFIG_FILE, checkpoint_folder, hash_folder
    from vag_core.configuration import load

    folder = checkpoint_folder(path_or_name)
    cfg = load(ReaderConfig, folder / CONFIG_FILE)
    _check_fit(folder, cfg.embodiment, cfg.camera, cfg.fps)
    return folder, hash_folder(folder)


def _check_fit(folder: Path, embodiment: 'Embodiment', camera: str, fps: float) -> None:
    """Raise ValueError for what was made for another robot, camera or rate than the twin's."""
    profile = load_profile('sim')
    cameras = [view.key for view in (profile.camera, *profile.other_cameras)]
    if embodiment.dimensions != profile.joint_names:
        raise ValueError(
            f'{folder}: embodiment = {embodiment.name}: the twin takes the dimensions '
            f'{", ".join(profile.joint_names)}'
        )
    if camera not in cameras:
        raise ValueError(f'{folder}: camera = {camera!r}: the twin has {", ".join(cameras)}')
    if fps != FPS:
        raise ValueError(f'{folder}: fps = {fps}: demonstrations have {FPS}')
