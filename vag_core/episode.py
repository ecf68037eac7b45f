"""Episode: one video with its joint actions, in memory and as a folder on disk.

The folder holds ``episode.json`` (everything with a name), ``arrays.npz`` (actions, states), one
``video_<camera>.mp4`` per camera and ``conditioning.jpg`` or ``.png``: the image it was generated
from, as received. It is written under another name and renamed when whole, so a folder that exists
is complete.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vag_core import images
from vag_core.configuration import load, to_mapping
from vag_core.embodiment import Embodiment
from vag_core.files import new_folder

SCHEMA_VERSION = 1
HEADER_FIELDS = {
    'episode_id',
    'instruction',
    'fps',
    'embodiment',
    'cameras',
    'stamp_ns',
    'conditioning_stamp_ns',
    'success',
    'provenance',
}


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode of T steps at ``fps``; frame k and action k belong to the same instant k / fps.

    Attributes:
        episode_id: unique name, also that of its folder and bag.
        instruction: what the robot was asked to do.
        fps: steps per second.
        embodiment: meaning of the action dimensions.
        actions: (T, D) float32, in the embodiment's units.
        videos: (T, H, W, 3) uint8 RGB by camera key.
        states: (T, S) float32 measured joint positions, or None.
        stamp_ns: nanoseconds since the epoch of step 0; of a generated episode, when it was
        generated.
        conditioning_image: JPEG or PNG bytes of the image it was generated from, or None.
        conditioning_stamp_ns: when that image was taken.
        success: whether the task succeeded, None when nobody judged.
        provenance: how it was made; JSON values only.
    """

    episode_id: str
    instruction: str
    fps: float
    embodiment: Embodiment
    actions: np.ndarray
    videos: dict[str, np.ndarray]
    states: np.ndarray | None = None
    stamp_ns: int = 0
    conditioning_image: bytes | None = None
    conditioning_stamp_ns: int = 0
    success: bool | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError where arrays, rates or names contradict each other."""
        if (
            not self.episode_id
            or any(c in self.episode_id for c in '/\\\0')
            or self.episode_id[0] == '.'
        ):
            raise ValueError(f'episode_id = {self.episode_id!r}: must be usable as a folder name')
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f'fps = {self.fps}: must be positive')
        steps, dimension = len(self.actions), self.embodiment.dimension
        if self.actions.ndim != 2 or self.actions.shape[1] != dimension or not steps:
            raise ValueError(
                f'actions: shape {self.actions.shape}, expected (T, {dimension}) with T >= 1'
            )
        for name in ('actions', 'states'):
            array = getattr(self, name)
            if array is None:
                continue
            if array.dtype != np.float32:
                raise ValueError(f'{name}: dtype {array.dtype}, expected float32')
            if array.ndim != 2 or len(array) != steps:
                raise ValueError(f'{name}: shape {array.shape}, expected {steps} steps')
            bad = np.argwhere(~np.isfinite(array))
            if len(bad):
                step, index = bad[0]
                raise ValueError(f'{name}[{step}, {index}] = {array[step, index]}: must be finite')
        for camera, video in self.videos.items():
            if video.dtype != np.uint8 or video.ndim != 4 or video.shape[3] != 3:
                raise ValueError(
                    f'videos[{camera!r}]: {video.shape} {video.dtype}, expected (T, H, W, 3) uint8'
                )
            if len(video) != steps:
                raise ValueError(f'videos[{camera!r}]: {len(video)} frames for {steps} actions')


def save_episode(
    episode: Episode, folder: Path, draw: Callable[[Episode, Path], Any] | None = None
) -> Path:
    """Write ``episode`` to the new ``folder`` and return it.

    Args:
        episode: what to write.
        folder: must not exist.
        draw: adds pictures, e.g. :func:`vag_core.draw.draw_episode`; they belong to the whole.

    Raises:
        FileExistsError: the folder is there already; it is left as it is.
    """
    folder = Path(folder)
    with new_folder(folder) as partial:
        arrays = {'actions': episode.actions}
        if episode.states is not None:
            arrays['states'] = episode.states
        np.savez(partial / 'arrays.npz', **arrays)
        for camera, video in episode.videos.items():
            images.write_mp4(partial / f'video_{camera}.mp4', video, episode.fps)
        if episode.conditioning_image is not None:
            suffix = '.png' if episode.conditioning_image.startswith(b'\x89PNG') else '.jpg'
            (partial / f'conditioning{suffix}').write_bytes(episode.conditioning_image)
        (partial / 'episode.json').write_text(json.dumps(_header(episode), indent=2) + '\n')
        if draw is not None:
            draw(episode, partial)
    return folder


def _header(episode: Episode) -> dict[str, Any]:
    return {
        'schema_version': SCHEMA_VERSION,
        'episode_id': episode.episode_id,
        'instruction': episode.instruction,
        'fps': episode.fps,
        'embodiment': to_mapping(episode.embodiment),
        'cameras': sorted(episode.videos),
        'stamp_ns': episode.stamp_ns,
        'conditioning_stamp_ns': episode.conditioning_stamp_ns,
        'success': episode.success,
        'provenance': episode.provenance,
    }


def load_episode(folder: Path, videos: bool = True) -> Episode:
    """Read an episode folder; without ``videos`` their files are left alone.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    folder = Path(folder)
    path = folder / 'episode.json'
    try:
        header = json.loads(path.read_text())
    except OSError as error:
        raise ValueError(f'{path}: {error.strerror}: not an episode folder') from None
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}: not JSON: {error}') from None
    version = header.pop('schema_version', None)
    if version != SCHEMA_VERSION:
        raise ValueError(
            f'{path}: schema_version = {version}, this release reads {SCHEMA_VERSION}'
        )
    if header.keys() != HEADER_FIELDS:
        differing = ', '.join(sorted(header.keys() ^ HEADER_FIELDS))
        raise ValueError(f'{path}: missing or unknown: {differing}')
    cameras = header.pop('cameras')
    header['embodiment'] = load(Embodiment, header['embodiment'], where=str(path))
    file = folder / 'arrays.npz'
    try:
        with np.load(file) as arrays:
            header['actions'] = arrays['actions']
            header['states'] = arrays.get('states')
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f'{file}: no readable arrays: {error}') from None
    pictures = [folder / f'conditioning{suffix}' for suffix in ('.jpg', '.png')]
    header['conditioning_image'] = next((p.read_bytes() for p in pictures if p.exists()), None)
    header['videos'] = (
        {c: images.read_mp4(folder / f'video_{c}.mp4') for c in cameras} if videos else {}
    )
    return Episode(**header)


def list_episodes(root: Path) -> list[Path]:
    """Return the whole episode folders directly under ``root``, sorted by name."""
    return sorted(p.parent for p in Path(root).glob('*/episode.json') if p.parent.name[0] != '.')
