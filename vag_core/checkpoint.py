"""A checkpoint: one folder with everything that generation needs.

``config.yaml`` holds the model's sizes, the embodiment, the normaliser and how it was made;
``video.safetensors`` the transformer under diffusers' parameter names, ``action.safetensors``
the action stream, ``vae.safetensors`` the VAE.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file, save
from torch import Tensor, nn

from vag_core import resources
from vag_core.configuration import ConfigError, config, load, to_mapping
from vag_core.embodiment import Embodiment
from vag_core.files import new_folder
from vag_core.model.normaliser import Normaliser
from vag_core.model.vag import Vag, VagConfig

SCHEMA_VERSION = 1
CONFIG_FILE = 'config.yaml'


class CheckpointError(ValueError):
    """A checkpoint folder is incomplete or does not fit its own configuration."""


@config
class CheckpointConfig:
    """What ``config.yaml`` holds.

    Attributes:
        schema_version: of this layout.
        model: sizes of all parts.
        embodiment: meaning of the action dimensions.
        normaliser: of the actions.
        camera: key of the camera that it was trained on.
        fps: rate of frames and actions, Hz.
        evaluation: what is known of its quality, shown wherever its results are.
        provenance: how it was made; JSON values only.
    """

    schema_version: int = SCHEMA_VERSION
    model: VagConfig
    embodiment: Embodiment
    normaliser: Normaliser
    camera: str
    fps: float
    evaluation: str
    provenance: dict[str, Any] = field(default_factory=dict)

    def validate(self) -> None:
        """Raise ConfigError where the action dimensions disagree or the layout is another one."""
        if self.schema_version != SCHEMA_VERSION:
            raise ConfigError(
                f'schema_version = {self.schema_version}: this release reads {SCHEMA_VERSION}'
            )
        dimension = self.model.action.dimension
        for part, length in (
            ('embodiment', self.embodiment.dimension),
            ('normaliser', len(self.normaliser.mean)),
        ):
            if length != dimension:
                raise ConfigError(f'{part}: {length} dimensions, model.action has {dimension}')
        if not self.fps > 0:
            raise ConfigError(f'fps = {self.fps}: must be positive')


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint in memory; its model is in evaluation mode."""

    name: str
    path: Path
    config: CheckpointConfig
    model: Vag

    @cached_property
    def hash(self) -> str:
        """SHA-256 over names and contents of the files, whatever the folder is called."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.path.iterdir() if p.is_file()):
            content = path.read_bytes()
            digest.update(f'{path.name}\0{len(content)}\0'.encode())
            digest.update(content)
        return digest.hexdigest()

    @property
    def embodiment(self) -> Embodiment:
        """Meaning of the action dimensions."""
        return self.config.embodiment

    @property
    def normaliser(self) -> Normaliser:
        """Of the actions."""
        return self.config.normaliser

    @property
    def fps(self) -> float:
        """Rate of frames and actions, Hz."""
        return self.config.fps

    @property
    def frames(self) -> int:
        """T, frames and actions of one episode."""
        return self.config.model.frames

    @property
    def camera(self) -> str:
        """Key of the camera that it was trained on."""
        return self.config.camera

    @property
    def evaluation(self) -> str:
        """What is known of its quality."""
        return self.config.evaluation


def _parts(model: Vag) -> dict[str, nn.Module]:
    """Return the module of each weights file."""
    return {'video': model.video.network, 'action': model.action, 'vae': model.vae}


def save_checkpoint(
    folder: Path | str, cfg: CheckpointConfig, model: Vag, dtype: torch.dtype = torch.float32
) -> Path:
    """Write a checkpoint to the new ``folder`` and return it; a folder that exists is complete.

    Args:
        folder: must not exist.
        cfg: its configuration.
        model: its weights.
        dtype: of the weights on disk, e.g. ``torch.float16``; they are loaded as float32.

    Raises:
        FileExistsError: the folder is there already; it is left as it is.
    """
    folder = Path(folder)
    with new_folder(folder) as partial:
        text = yaml.safe_dump(to_mapping(cfg), sort_keys=False, default_flow_style=None, width=100)
        (partial / CONFIG_FILE).write_text(text)
        for name, part in _parts(model).items():
            weights = {
                k: v.detach().to('cpu', dtype).contiguous() for k, v in part.state_dict().items()
            }
            (partial / f'{name}.safetensors').write_bytes(save(weights))
    return folder


def load_checkpoint(path_or_name: Path | str, device: str | torch.device = 'cpu') -> Checkpoint:
    """Load a checkpoint folder, or a shipped checkpoint by name.

    Raises:
        FileNotFoundError: there is none; every place that was looked at is named.
        ConfigError: its configuration is wrong; file, field, value and what is allowed are named.
        CheckpointError: weights are missing, unexpected or of another shape; each is named.
    """
    path = Path(path_or_name)
    if not path.is_dir():
        path = resources.find(Path('checkpoints') / path_or_name)
    cfg = load(CheckpointConfig, path / CONFIG_FILE)
    with torch.device('meta'):
        model = Vag(cfg.model)
    for name, part in _parts(model).items():
        file = path / f'{name}.safetensors'
        if not file.is_file():
            raise CheckpointError(f'{file}: missing')
        weights = load_file(file)
        _check_weights(file, part.state_dict(), weights)
        part.load_state_dict({k: v.float() for k, v in weights.items()}, assign=True)
    return Checkpoint(path.resolve().name, path.resolve(), cfg, model.to(device).eval())


def _check_weights(
    file: Path, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> None:
    """Raise CheckpointError listing every difference between two sets of weights."""
    wrong = [f'{key}: missing' for key in expected if key not in found]
    wrong += [f'{key}: unexpected' for key in found if key not in expected]
    wrong += [
        f'{key}: shape {tuple(found[key].shape)}, expected {tuple(expected[key].shape)}'
        for key in expected
        if key in found and found[key].shape != expected[key].shape
    ]
    if wrong:
        raise CheckpointError(f'{file}: ' + '; '.join(wrong))
