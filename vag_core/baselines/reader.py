"""What reads actions out of a video, and the readers that look at one frame at a time.

A reader's folder holds ``config.yaml`` and ``model.safetensors``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from vag_core.baselines.model import CHANNELS_LAST, ModelConfig, make_network, standardise
from vag_core.checkpoint import (
    CONFIG_FILE,
    adopt,
    checkpoint_folder,
    hash_folder,
    read_part,
    write_config,
    write_part,
)
from vag_core.configuration import ConfigError, config, load
from vag_core.embodiment import Embodiment
from vag_core.files import new_folder
from vag_core.model.image_fit import fit_image
from vag_core.model.normaliser import Normaliser

SCHEMA_VERSION = 1
PART = 'model'
BATCH = 32


class ActionReader(Protocol):
    """Reads actions out of a video that is given."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def read(self, video: np.ndarray) -> np.ndarray:
        """Map (T, H, W, 3) uint8 RGB frames to (T, D) float32 in the embodiment's units."""


@config
class ReaderConfig:
    """What ``config.yaml`` holds; fields as those of a checkpoint.

    Attributes:
        schema_version: of this layout.
        model: the network.
        embodiment: meaning of the action dimensions.
        normaliser: of the actions.
        camera: key of the camera that it was trained on.
        fps: of the videos that it was trained on, Hz; it looks at one frame at a time.
        evaluation: what is known of its quality.
        provenance: how it was made; JSON values only.
    """

    schema_version: int = SCHEMA_VERSION
    model: ModelConfig
    embodiment: Embodiment
    normaliser: Normaliser
    camera: str
    fps: float
    evaluation: str
    provenance: dict[str, Any]

    def validate(self) -> None:
        """Raise ConfigError where the dimensions disagree or the layout is another one."""
        if self.schema_version != SCHEMA_VERSION:
            raise ConfigError(
                f'schema_version = {self.schema_version}: this release reads {SCHEMA_VERSION}'
            )
        length, dimension = len(self.normaliser.mean), self.embodiment.dimension
        if length != dimension:
            raise ConfigError(f'normaliser: {length} dimensions, embodiment has {dimension}')
        if not self.fps > 0:
            raise ConfigError(f'fps = {self.fps}: must be positive')


@dataclass(frozen=True, eq=False)
class FrameReader:
    """An :class:`ActionReader` that looks at each frame alone.

    Attributes:
        name: of its folder.
        path: absolute.
        config: what ``config.yaml`` holds.
        network: in evaluation mode, on one device.
        hash: SHA-256 over names and contents of the folder's files.
    """

    name: str
    path: Path
    config: ReaderConfig
    network: nn.Module
    hash: str

    @torch.inference_mode()
    def read(self, video: np.ndarray) -> np.ndarray:
        """Map (T, H, W, 3) uint8 RGB frames of any size to (T, D) float32 in units.

        Raises:
            ValueError: the array is no RGB video.
        """
        if video.ndim != 4 or not len(video):
            raise ValueError(f'video: shape {video.shape}, expected (T, H, W, 3) with T >= 1')
        cfg = self.config.model
        device = next(self.network.parameters()).device
        found = []
        for start in range(0, len(video), BATCH):
            fitted = [
                fit_image(frame, cfg.height, cfg.width, cfg.image_fit)
                for frame in video[start : start + BATCH]
            ]
            pixels = torch.from_numpy(np.stack(fitted)).to(device).movedim(-1, 1)
            found.append(self.network(standardise(pixels)).float().cpu())
        return self.config.normaliser.restore(torch.cat(found).numpy())


def save_reader(
    folder: Path | str, cfg: ReaderConfig, network: nn.Module, dtype: torch.dtype = torch.float16
) -> Path:
    """Write a reader to the new ``folder`` and return it; a folder that exists is complete.

    Raises:
        FileExistsError: the folder is there already; it is left as it is.
    """
    folder = Path(folder)
    with new_folder(folder) as partial:
        write_config(partial, cfg)
        write_part(partial, PART, network, dtype)
    return folder


def load_reader(path_or_name: Path | str, device: str | torch.device = 'cpu') -> FrameReader:
    """Load a reader's folder, or a shipped one by name; its weights are float32 in memory.

    Raises:
        FileNotFoundError: there is none; every place that was looked at is named.
        ConfigError: its configuration is wrong; file, field, value and what is allowed are named.
        CheckpointError: weights are missing, unexpected or of another shape; each is named.
    """
    path = checkpoint_folder(path_or_name)
    cfg = load(ReaderConfig, path / CONFIG_FILE)
    network = make_network(cfg.model, cfg.embodiment)
    weights = read_part(PART, network, path / f'{PART}.safetensors', device)
    adopt(network, weights, torch.float32)
    network = network.to(device, memory_format=CHANNELS_LAST).eval()
    return FrameReader(path.name, path, cfg, network, hash_folder(path))
