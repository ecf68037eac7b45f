"""A checkpoint from pretrained weights and an action stream that nobody has trained yet.

The pretrained parts stay where they are and are referred to; every key of them is checked first.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

from vag_core.checkpoint import (
    OUTSIDE_FOLDERS,
    UNTRAINED,
    CheckpointConfig,
    CheckpointError,
    parts_of,
    read_part,
    save_checkpoint,
)
from vag_core.cost import count_parameters
from vag_core.embodiment import Embodiment
from vag_core.model.dit import DitConfig
from vag_core.model.normaliser import Normaliser
from vag_core.model.text import TextKind
from vag_core.model.text.t5 import check_t5
from vag_core.model.vag import Vag, VagConfig
from vag_core.model.weights import read_config, weight_files
from vag_core.provenance import versions
from vag_core.weights_reference import WeightsReference

# Options of the transformer that are no property of its weights.
OWN_OPTIONS = ('bfloat16_time', 'first_frame_embedding')


@dataclass(frozen=True)
class Sources:
    """Where pretrained weights lie.

    Attributes:
        video: transformer: a folder or a file.
        vae: a folder or a file.
        text: T5's folder; None for a model with another text encoder.
    """

    video: Path
    vae: Path
    text: Path | None = None

    @classmethod
    def of_cosmos(cls, root: Path) -> 'Sources':
        """Return the parts of Cosmos-Predict2 in diffusers' layout."""
        root = Path(root)
        return cls(root / 'transformer', root / 'vae', root)


@dataclass(frozen=True)
class Meaning:
    """What the numbers of a new checkpoint mean.

    Attributes:
        embodiment: of the actions.
        camera: key of the view that the video shows.
        fps: rate of frames and actions, Hz.
        dtype: of the video stream in memory.
        seed: of the untrained action stream.
    """

    embodiment: Embodiment
    camera: str
    fps: float = 10.0
    dtype: str = 'bfloat16'
    seed: int = 0


def initialise(
    folder: Path,
    model: VagConfig,
    sources: Sources,
    meaning: Meaning,
    say: Callable[[str], None] = lambda line: None,
) -> CheckpointConfig:
    """Write a checkpoint to the new ``folder`` and return its configuration.

    The configuration's action dimension becomes the embodiment's. The normaliser is the identity
    until training fits one.

    Args:
        folder: must not exist.
        model: sizes of all parts.
        sources: the pretrained weights.
        meaning: of the numbers.
        say: told what was checked and done, a line at a time.

    Raises:
        FileExistsError: ``folder`` is there already.
        CheckpointError, TextError: weights don't fit the configuration; each key is named.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f'{folder}: exists already, nothing was written')
    dimension = meaning.embodiment.dimension
    if model.action.dimension != dimension:
        say(f'action.dimension: {model.action.dimension} -> {dimension}, of the embodiment')
        model = replace(model, action=replace(model.action, dimension=dimension))
    with torch.device('meta'):
        network = Vag(model)
    weights = {
        'video': _video(network, model.video.network, _folder('video', sources.video), say),
        'vae': _referred('vae', network, _folder('vae', sources.vae), say),
    }
    if model.text.kind is TextKind.T5:
        weights['text'] = _text(model, sources.text, say)
    cfg = CheckpointConfig(
        model=model,
        embodiment=meaning.embodiment,
        normaliser=Normaliser(mean=(0.0,) * dimension, std=(1.0,) * dimension),
        camera=meaning.camera,
        fps=meaning.fps,
        evaluation=UNTRAINED,
        dtype=meaning.dtype,
        weights=weights,
        action_seed=meaning.seed,
        provenance={'made_by': 'vag init', 'versions': versions('torch')},
    )
    say(
        f'action: {count_parameters(network.action):,} parameters, untrained, drawn from seed '
        f'{meaning.seed}'
    )
    save_checkpoint(folder, cfg, network)
    return cfg


def _folder(name: str, source: Path) -> Path:
    """Return the part's folder where ``source`` is that of a whole model."""
    part = source / OUTSIDE_FOLDERS[name]
    return part if part.is_dir() else source


def _video(
    network: Vag, cfg: DitConfig, source: Path, say: Callable[[str], None]
) -> WeightsReference:
    described = source / 'config.json'
    if described.is_file():
        found = read_config(described)
        wrong = [
            f'{name} = {getattr(found, name)}, the model has {getattr(cfg, name)}'
            for name in (field.name for field in fields(DitConfig))
            if name not in OWN_OPTIONS and getattr(found, name) != getattr(cfg, name)
        ]
        if wrong:
            raise CheckpointError(f'{described}: ' + '; '.join(wrong))
    return _referred('video', network, source, say)


def _referred(
    name: str, network: Vag, source: Path, say: Callable[[str], None]
) -> WeightsReference:
    part = parts_of(network)[name]
    stored = read_part(name, part, source)
    types = ', '.join(sorted({str(v.dtype).removeprefix('torch.') for v in stored.values()}))
    files = weight_files(source)
    described = source / 'config.json'
    reference = WeightsReference.of(source, files + [described] * described.is_file())
    _say_reference(name, f'{count_parameters(part):,} parameters ({types})', reference, say)
    return reference


def _text(model: VagConfig, source: Path | None, say: Callable[[str], None]) -> WeightsReference:
    if source is None:
        raise CheckpointError('text: text.kind = t5 needs the folder of its weights')
    parameters, files = check_t5(model.text, source)
    reference = WeightsReference.of(source, files)
    _say_reference('text', f'{parameters:,} parameters', reference, say)
    return reference


def _say_reference(
    name: str, size: str, reference: WeightsReference, say: Callable[[str], None]
) -> None:
    size_bytes = sum(file.size for file in reference.files.values())
    say(
        f'{name}: {size}, every key fits; {len(reference.files)} files, '
        f'{size_bytes / 2**30:.2f} GiB at {reference.path}, digest {reference.digest[:12]}'
    )
