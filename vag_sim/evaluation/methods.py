"""The methods that are compared: where each has its video and its actions from."""

import enum
from dataclasses import dataclass
from pathlib import Path


class Source(enum.Enum):
    """Where a method has its actions from.

    Of these only ``MODEL`` depends on the sampler's noise, and what reads its video.
    """

    DEMONSTRATION = 'demonstration'
    MEAN_ACTION = 'mean_action'
    FIRST_FRAME = 'copy_first_frame'
    MODEL = 'model'


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    Attributes:
        name: in the tables and files.
        source: where its actions come from.
        checkpoint: folder of the checkpoint whose video it uses, or whose size and normaliser.
        identity: hash of the weights that it depends on.
    """

    name: str
    source: Source
    checkpoint: Path
    identity: str

    @property
    def samples(self) -> bool:
        """Whether another sampler seed can give another result."""
        return self.source is Source.MODEL


def find_methods(
    checkpoint: Path | str, literal: Path | str | None = None, names: tuple[str, ...] = ()
) -> list[Method]:
    """Return the methods that these folders make possible, of them those in ``names`` if any.

    Raises:
        ValueError: a folder is no checkpoint for the twin, or a name is unknown.
        FileNotFoundError: there is no such checkpoint.
    """
    main, identity = _checked(checkpoint)
    methods = [
        Method('demonstration', Source.DEMONSTRATION, main, ''),
        Method('vag', Source.MODEL, main, identity),
    ]
    if literal is not None:
        methods.append(Method('literal', Source.MODEL, *_checked(literal)))
    methods += [
        Method('copy_first_frame', Source.FIRST_FRAME, main, identity),
        Method('mean_action', Source.MEAN_ACTION, main, identity),
    ]
    known = [method.name for method in methods]
    for name in names:
        if name not in known:
            raise ValueError(f'--methods = {name!r}: possible here are {", ".join(known)}')
    return [method for method in methods if not names or method.name in names]


def _checked(path_or_name: Path | str) -> tuple[Path, str]:
    """Return folder and hash of a checkpoint that fits the twin."""
    from vag_core.checkpoint import find_checkpoint, hash_folder
    from vag_core.robot import load_profile
    from vag_sim.tasks import FPS, STEPS

    folder, cfg = find_checkpoint(path_or_name)
    profile = load_profile('sim')
    cameras = [view.key for view in (profile.camera, *profile.other_cameras)]
    for field, value, fits, allowed in (
        (
            'embodiment',
            cfg.embodiment.name,
            cfg.embodiment.dimensions == profile.joint_names,
            f'one of the dimensions {", ".join(profile.joint_names)}',
        ),
        ('fps', cfg.fps, cfg.fps == FPS, FPS),
        ('frames', cfg.model.frames, cfg.model.frames <= STEPS, f'at most {STEPS}'),
        ('camera', cfg.camera, cfg.camera in cameras, ', '.join(cameras)),
    ):
        if not fits:
            raise ValueError(f'checkpoint {folder}: {field} = {value}: the twin takes {allowed}')
    return folder, hash_folder(folder)
