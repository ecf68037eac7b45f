"""Pretrained weights of the transformer and the VAE, from wherever they were downloaded to.

Read are a diffusers model folder, a part's own folder in it, one safetensors file, and the
transformer's original ``.pt`` of nvidia-cosmos/cosmos-predict2; each gives the parameter names of
diffusers, which are those of :class:`vag_core.model.dit.Dit`.
"""

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vag_core.configuration import ConfigError
from vag_core.model.dit import Dit, DitConfig

PREFIX = 'net.'
ORIGINAL_KEY = 'x_embedder.proj.1.weight'
SAFE = '.safetensors'
PICKLED = ('.pt', '.pth')
# Parts of the original names and what diffusers calls them (its conversion script for
# Cosmos-2.0-Diffusion-2B-Video2World).
RENAMED = {
    'x_embedder.proj.1.': 'patch_embed.proj.',
    't_embedder.1.': 'time_embed.t_embedder.',
    't_embedding_norm.': 'time_embed.norm.',
    'final_layer.adaln_modulation.1.': 'norm_out.linear_1.',
    'final_layer.adaln_modulation.2.': 'norm_out.linear_2.',
    'final_layer.linear.': 'proj_out.',
    'adaln_modulation_self_attn.': 'norm1.linear_',
    'adaln_modulation_cross_attn.': 'norm2.linear_',
    'adaln_modulation_mlp.': 'norm3.linear_',
    'self_attn.': 'attn1.',
    'cross_attn.': 'attn2.',
    'q_proj.': 'to_q.',
    'k_proj.': 'to_k.',
    'v_proj.': 'to_v.',
    'output_proj.': 'to_out.0.',
    'q_norm.': 'norm_q.',
    'k_norm.': 'norm_k.',
    'mlp.layer1.': 'ff.net.0.proj.',
    'mlp.layer2.': 'ff.net.2.',
}
# Options of diffusers' class that the Video2World model does not use, and their value there.
UNUSED_OPTIONS = {
    'extra_pos_embed_type': None,
    'use_crossattn_projection': False,
    'img_context_dim_in': None,
    'controlnet_block_every_n': None,
}
COPIED_OPTIONS = (
    'num_layers',
    'num_attention_heads',
    'attention_head_dim',
    'mlp_ratio',
    'text_embed_dim',
    'adaln_lora_dim',
    'patch_size',
    'max_size',
    'rope_scale',
)


class WeightsError(ValueError):
    """Pretrained weights are missing, incomplete, or those of another model."""


def differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """Return what tells two sets of weights apart: keys missing, unexpected, of other shapes."""
    wrong = [f'{key}: missing' for key in expected if key not in found]
    wrong += [f'{key}: unexpected' for key in found if key not in expected]
    return wrong + [
        f'{key}: shape {tuple(found[key].shape)}, expected {tuple(expected[key].shape)}'
        for key in expected
        if key in found and found[key].shape != expected[key].shape
    ]


def read_weights(
    path: Path | str, part: str = 'transformer', device: str | torch.device = 'cpu'
) -> dict[str, Tensor]:
    """Read the weights of one part, in the type in which they are stored.

    Files are mapped into memory, so that on the CPU nothing is copied.

    Args:
        path: a diffusers model folder, the part's folder in it, or one ``.safetensors``, ``.pt``
            or ``.pth`` file in diffusers' naming or, of a transformer, the original one.
        part: name of the part's folder, ``transformer`` or ``vae``.
        device: of the tensors.

    Returns:
        The weights under diffusers' names.

    Raises:
        WeightsError: a file is missing or broken.
    """
    weights: dict[str, Tensor] = {}
    for file in weight_files(Path(path), part):
        weights.update(_read_file(file, device))
    return diffusers_names(weights)


def read_transformer(
    path: Path | str, device: str | torch.device = 'cpu'
) -> tuple[dict[str, Tensor], DitConfig | None]:
    """Read a transformer's weights as :func:`read_weights`, and their configuration.

    Returns:
        The weights under diffusers' names, and the configuration where ``config.json`` lies
        beside them, else None.

    Raises:
        WeightsError: a file is missing or broken, weights are missing, unexpected or of another
            shape than the configuration's, or the configuration is that of another model.
    """
    weights = read_weights(path, device=device)
    described = weight_files(Path(path))[0].parent / 'config.json'
    if not described.is_file():
        return weights, None
    cfg = read_config(described)
    _check(path, weights, cfg)
    return weights, cfg


def load_transformer(
    path: Path | str,
    cfg: DitConfig | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device = 'cpu',
) -> Dit:
    """Return a transformer with the weights of ``path``; see :func:`read_transformer`.

    Args:
        path: as there.
        cfg: its configuration; None for the one that lies beside the weights, or where there is
            none Cosmos-Predict2-2B-Video2World's.
        dtype: of the weights; None for the stored one.
        device: of the weights.
    """
    weights, described = read_transformer(path, device)
    cfg = cfg or described or DitConfig(bfloat16_time=True)
    _check(path, weights, cfg)
    with torch.device('meta'):
        network = Dit(cfg)
    if dtype is not None:
        for key in weights:
            weights[key] = weights[key].to(dtype)
    network.load_state_dict(weights, assign=True)
    return network.eval()


def weight_files(path: Path, part: str = 'transformer') -> list[Path]:
    """Return the files that hold the weights of a part; WeightsError where none are."""
    if path.is_file() or path.suffix in (SAFE, *PICKLED):
        return [path]
    folder = path / part if (path / part).is_dir() else path
    if not folder.is_dir():
        raise WeightsError(f'{path}: neither a file nor a folder')
    plain = folder / 'diffusion_pytorch_model.safetensors'
    if plain.is_file():
        return [plain]
    indices = sorted(folder.glob('*.safetensors.index.json'))
    if indices:
        names = sorted(set(_read_json(indices[0]).get('weight_map', {}).values()))
        if not names:
            raise WeightsError(f'{indices[0]}: weight_map is missing or empty')
        return [folder / name for name in names]
    files = sorted(folder.glob('*.safetensors'))
    if len(files) != 1:
        found = ', '.join(file.name for file in files) or 'no safetensors file'
        raise WeightsError(f'{folder}: expected one safetensors file or an index, found {found}')
    return files


def diffusers_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the original names to those of diffusers, which pass unchanged.

    The original's counters, rotary tables and Transformer Engine states are left out; they are no
    weights.
    """
    stripped = {key.removeprefix(PREFIX): value for key, value in weights.items()}
    if ORIGINAL_KEY not in stripped:
        return stripped
    renamed = {}
    for key, value in stripped.items():
        if key.startswith(('accum_', 'pos_embedder.')) or key.endswith('_extra_state'):
            continue
        name = f'transformer_{key}' if key.startswith('blocks.') else key
        for old, new in RENAMED.items():
            name = name.replace(old, new)
        renamed[name] = value
    return renamed


def read_config(path: Path) -> DitConfig:
    """Read the ``config.json`` of diffusers' ``CosmosTransformer3DModel``.

    Flow times are rounded to bfloat16, as both the original code and diffusers' pipeline in that
    type do.

    Raises:
        WeightsError: it describes another model; the field is named.
    """
    options = _read_json(path)
    name = options.get('_class_name', 'CosmosTransformer3DModel')
    if name != 'CosmosTransformer3DModel':
        raise WeightsError(f'{path}: _class_name = {name!r}: must be CosmosTransformer3DModel')
    for field, value in UNUSED_OPTIONS.items():
        if options.get(field, value) != value:
            raise WeightsError(f'{path}: {field} = {options[field]!r}: must be {value}')
    try:
        channels = options['out_channels']
        # The caller may append the padding mask in place of the class; the weights are the same.
        masks = options['in_channels'] - channels
        padding = bool(options['concat_padding_mask']) or masks == 2
        sizes = {field: options[field] for field in COPIED_OPTIONS}
    except KeyError as error:
        raise WeightsError(f'{path}: {error.args[0]} is missing') from None
    if masks not in (1, 1 + (not options['concat_padding_mask'])):
        raise WeightsError(
            f'{path}: in_channels = {options["in_channels"]}: must be out_channels = {channels} '
            'and a condition mask'
        )
    sizes = {k: tuple(v) if isinstance(v, list) else v for k, v in sizes.items()}
    try:
        return DitConfig(
            latent_channels=channels, concat_padding_mask=padding, bfloat16_time=True, **sizes
        )
    except ConfigError as error:
        raise WeightsError(f'{path}: {error}') from None


def diffusers_options(cfg: DitConfig, *, masks_given: bool = False) -> dict[str, Any]:
    """Return the arguments that make diffusers' ``CosmosTransformer3DModel`` the same network.

    ``masks_given``: the caller appends both masks to the latent in place of the class, whose
    padding mask needs torchvision; the weights are the same.
    """
    given = masks_given and cfg.concat_padding_mask
    return {
        'in_channels': cfg.latent_channels + 1 + given,
        'out_channels': cfg.latent_channels,
        **{name: getattr(cfg, name) for name in COPIED_OPTIONS},
        'concat_padding_mask': cfg.concat_padding_mask and not given,
        'extra_pos_embed_type': None,
    }


def _check(path: Path | str, weights: Mapping[str, Tensor], cfg: DitConfig) -> None:
    with torch.device('meta'):
        expected = Dit(cfg).state_dict()
    wrong = differences(expected, weights)
    if wrong:
        raise WeightsError(f'{path}: ' + '; '.join(wrong))


def _read_file(file: Path, device: str | torch.device) -> dict[str, Tensor]:
    if not file.is_file():
        raise WeightsError(f'{file}: missing')
    if file.suffix not in (SAFE, *PICKLED):
        raise WeightsError(f'{file}: must end in {SAFE}, {" or ".join(PICKLED)}')
    try:
        if file.suffix == SAFE:
            return load_file(file, device=str(device))
        # Transformer Engine keeps its states in buffers of bytes; they are dropped by name.
        with torch.serialization.safe_globals([io.BytesIO]):
            found = torch.load(file, map_location=device, weights_only=True, mmap=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError) as error:
        raise WeightsError(f'{file}: {error}') from error
    if not isinstance(found, Mapping):
        raise WeightsError(f'{file}: holds a {type(found).__name__}, expected named tensors')
    return dict(found)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(f'{path}: {error}') from None
    if not isinstance(data, dict):
        raise WeightsError(f'{path}: expected a mapping, found {type(data).__name__}')
    return data
