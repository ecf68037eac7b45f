"""A checkpoint: one folder with everything that generation needs, or where to find it.

``config.yaml`` holds the model's sizes, the embodiment, the normaliser and how it was made;
``video.safetensors`` the transformer under diffusers' parameter names, ``action.safetensors``
the action stream, ``vae.safetensors`` the VAE; where the streams are coupled both ways,
``coupling.safetensors`` the action tokens; ``preview.safetensors``, which may be missing, the
matrix of vag_core/model/latent_preview.py. In place of a file the configuration may refer to
weights elsewhere, which are checked before they are used.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vag_core import resources
from vag_core.configuration import ConfigError, config, load, to_mapping
from vag_core.embodiment import ActionSpace, Embodiment
from vag_core.files import new_folder
from vag_core.model.latent_preview import matrix_shape
from vag_core.model.normaliser import Normaliser
from vag_core.model.text import make_text
from vag_core.model.vae import VaeKind
from vag_core.model.vag import Vag, VagConfig, make_action, make_coupling
from vag_core.model.weights import WeightsError, differences, read_weights
from vag_core.weights_reference import WeightsReference

SCHEMA_VERSION = 1
CONFIG_FILE = 'config.yaml'
PREVIEW_FILE = 'preview.safetensors'
UNTRAINED = 'untrained'
DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16}
# What may lie outside. The action stream is this project's own and always inside.
REFERABLE = ('video', 'vae', 'text')
# Their folders in a model of diffusers.
OUTSIDE_FOLDERS = {'video': 'transformer', 'vae': 'vae'}
ACTION_PARTS = ('action', 'coupling')


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
        dtype: of the video stream and the Wan VAE in memory, ``float32`` or ``bfloat16``; the
            other parts are in float32.
        weights: parts that lie elsewhere: ``video``, ``vae``, ``text``.
        action_seed: the action stream is untrained: it has no file and is drawn from this seed.
        provenance: how it was made; JSON values only.
    """

    schema_version: int = SCHEMA_VERSION
    model: VagConfig
    embodiment: Embodiment
    normaliser: Normaliser
    camera: str
    fps: float
    evaluation: str
    dtype: str = 'float32'
    weights: dict[str, WeightsReference] = field(default_factory=dict)
    action_seed: int | None = None
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
        if self.dtype not in DTYPES:
            raise ConfigError(f'dtype = {self.dtype!r}: allowed are {", ".join(DTYPES)}')
        for part in self.weights:
            if part not in REFERABLE:
                raise ConfigError(f'weights: {part!r}: allowed are {", ".join(REFERABLE)}')
        if self.action_seed is not None and self.evaluation != UNTRAINED:
            raise ConfigError(
                f'evaluation = {self.evaluation!r}: with action_seed it must be {UNTRAINED!r}'
            )
        space = self.embodiment.action_space
        if self.model.action.start_state and space is not ActionSpace.JOINT_POSITION:
            raise ConfigError(
                f'model.action.start_state = true: needs absolute joint positions, embodiment '
                f'{self.embodiment.name} has action_space = {space.value}'
            )


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint in memory; its model is in evaluation mode.

    Attributes:
        name: of its folder.
        path: absolute.
        config: with absolute paths of the weights that lie elsewhere.
        model: on one device.
        hash: SHA-256 over names and contents of the folder's files as they were when it was
            loaded, whatever the folder is called. The identities of weights that lie elsewhere
            are part of the configuration, so they count.
        dtype: of the video stream.
        preview: (C + 1, 48) matrix of the pictures that are shown while denoising; None where
            the folder has none.
    """

    name: str
    path: Path
    config: CheckpointConfig
    model: Vag
    hash: str
    dtype: torch.dtype = torch.float32
    preview: Tensor | None = None

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


def parts_of(model: Vag) -> dict[str, nn.Module]:
    """Return the module of each weights file."""
    parts = {'video': model.video.network, 'action': model.action, 'vae': model.vae}
    return parts if model.coupling is None else {**parts, 'coupling': model.coupling}


def save_checkpoint(
    folder: Path | str,
    cfg: CheckpointConfig,
    model: Vag,
    dtype: torch.dtype = torch.float32,
    preview: Tensor | None = None,
) -> Path:
    """Write a checkpoint to the new ``folder`` and return it; a folder that exists is complete.

    Parts that ``cfg.weights`` or ``cfg.action_seed`` stand for are not written.

    Args:
        folder: must not exist.
        cfg: its configuration.
        model: its weights.
        dtype: of the weights on disk, e.g. ``torch.float16``.
        preview: as in :class:`Checkpoint`.

    Raises:
        FileExistsError: the folder is there already; it is left as it is.
    """
    folder = Path(folder)
    without = {*cfg.weights, *(ACTION_PARTS if cfg.action_seed is not None else [])}
    with new_folder(folder) as partial:
        write_config(partial, cfg)
        for name, part in parts_of(model).items():
            if name not in without:
                write_part(partial, name, part, dtype)
        if preview is not None:
            write_preview(partial, preview)
    return folder


def write_config(folder: Path, cfg: Any) -> None:
    """Write a configuration as the ``config.yaml`` of a folder."""
    text = yaml.safe_dump(to_mapping(cfg), sort_keys=False, default_flow_style=None, width=100)
    (folder / CONFIG_FILE).write_text(text)


def write_part(folder: Path, name: str, part: nn.Module, dtype: torch.dtype) -> None:
    """Write the weights of a part as ``<name>.safetensors``; what counts stays an integer."""
    weights = {
        k: v.detach().to('cpu', dtype if v.is_floating_point() else v.dtype).contiguous()
        for k, v in part.state_dict().items()
    }
    save_file(weights, folder / f'{name}.safetensors')


def write_preview(folder: Path, matrix: Tensor) -> None:
    """Write the matrix of a checkpoint's previews."""
    save_file({'matrix': matrix.float().cpu().contiguous()}, folder / PREVIEW_FILE)


def read_preview(folder: Path, latent_channels: int) -> Tensor | None:
    """Return the matrix of a checkpoint's previews, or None; CheckpointError for another shape."""
    path = folder / PREVIEW_FILE
    if not path.is_file():
        return None
    found, shape = load_file(path), matrix_shape(latent_channels)
    if found.keys() != {'matrix'} or tuple(found['matrix'].shape) != shape:
        holds = ', '.join(f'{name} {tuple(value.shape)}' for name, value in found.items())
        raise CheckpointError(f'{path}: holds {holds or "nothing"}, must hold matrix {shape}')
    return found['matrix']


def checkpoint_folder(path_or_name: Path | str) -> Path:
    """Return the absolute path of a folder, or of one that ships in ``checkpoints/`` by name.

    Raises:
        FileNotFoundError: there is none; every place that was looked at is named.
    """
    path = Path(path_or_name)
    if not path.is_dir():
        path = resources.find(Path('checkpoints') / path_or_name)
    return path.resolve()


def find_checkpoint(path_or_name: Path | str) -> tuple[Path, CheckpointConfig]:
    """Return the folder and the configuration of a checkpoint, without its weights.

    Raises:
        FileNotFoundError: there is none; every place that was looked at is named.
        ConfigError: its configuration is wrong; file, field, value and what is allowed are named.
    """
    path = checkpoint_folder(path_or_name)
    cfg = load(CheckpointConfig, path / CONFIG_FILE)
    return path, replace(cfg, weights={k: r.below(path) for k, r in cfg.weights.items()})


def load_checkpoint(
    path_or_name: Path | str,
    device: str | torch.device = 'cpu',
    dtype: torch.dtype | None = None,
    text_cache: Path | None = None,
) -> Checkpoint:
    """Load a checkpoint folder, or a shipped checkpoint by name.

    Args:
        path_or_name: the folder, or a shipped name.
        device: of the model.
        dtype: of the video stream and the Wan VAE in memory; None for the checkpoint's own.
        text_cache: folder of cached text tokens, where the text encoder is a large one; None for
            the user's cache.

    Raises:
        FileNotFoundError: there is none; every place that was looked at is named.
        ConfigError: its configuration is wrong; file, field, value and what is allowed are named.
        CheckpointError: weights are missing, unexpected or of another shape; each is named.
        WeightsChangedError: weights outside are missing or others than the ones referred to.
    """
    path, cfg = find_checkpoint(path_or_name)
    dtype = dtype or DTYPES[cfg.dtype]
    found_hash = hash_folder(path)
    with torch.device('meta'):
        model = Vag(cfg.model)
    if cfg.action_seed is not None:
        model.action, model.coupling = untrained_action(cfg)
    for name, part in parts_of(model).items():
        if name in ACTION_PARTS and cfg.action_seed is not None:
            continue
        in_memory = dtype if name in _in_low_precision(cfg.model) else torch.float32
        source = path / f'{name}.safetensors'
        if name in cfg.weights:
            source = cfg.weights[name].check()
        adopt(part, read_part(name, part, source, device), in_memory)
    model.text = make_text(cfg.model.text, cfg.weights.get('text'), device, text_cache)
    model = model.to(device).eval()
    preview = read_preview(path, cfg.model.vae.latent_channels)
    return Checkpoint(path.name, path, cfg, model, found_hash, dtype, preview)


def _in_low_precision(model: VagConfig) -> tuple[str, ...]:
    return ('video', 'vae') if model.vae.kind is VaeKind.WAN else ('video',)


def untrained_action(cfg: CheckpointConfig) -> tuple[nn.Module, nn.Module | None]:
    """Draw the action stream, and what couples the video stream to it, from ``cfg.action_seed``.

    They are the same on every machine and device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cfg.action_seed)
        return make_action(cfg.model), make_coupling(cfg.model)


def hash_folder(folder: Path) -> str:
    """Return the SHA-256 over names, sizes and contents of a folder's files, hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        digest.update(f'{path.name}\0{path.stat().st_size}\0'.encode())
        with path.open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def read_part(
    name: str, part: nn.Module, source: Path, device: str | torch.device = 'cpu'
) -> dict[str, torch.Tensor]:
    """Read the weights of a part as they are stored; CheckpointError lists what does not fit."""
    try:
        weights = read_weights(source, OUTSIDE_FOLDERS.get(name, name), device)
    except WeightsError as error:
        raise CheckpointError(str(error)) from error
    wrong = differences(part.state_dict(), weights)
    if wrong:
        raise CheckpointError(f'{source}: ' + '; '.join(wrong))
    return weights


def adopt(part: nn.Module, weights: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    """Let a part have ``weights``, which are converted one by one."""
    for key, value in weights.items():
        weights[key] = value.to(dtype) if value.is_floating_point() else value
    part.load_state_dict(weights, assign=True)
