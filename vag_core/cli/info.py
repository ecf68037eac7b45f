"""``vag info``: what a checkpoint or a configuration is and costs, without loading its weights."""

import argparse
import contextlib
import json
import sys
from pathlib import Path

SUMMARY = 'print parameters, tokens, FLOPs, memory and expected time of a model'
# Other names of shipped configurations.
ALIASES = {'cosmos-predict2-2b': 'cosmos_2b'}
# Dense bf16 TFLOP/s that the makers state.
PEAK_TFLOPS = {'H200 SXM': 989.0, 'H100 SXM': 989.0, 'H20': 148.0, 'A100': 312.0, 'L40S': 362.0}
# Published runs of Cosmos-Predict2-2B at this size (nvidia-cosmos/cosmos-predict2, performance
# page) reach 36 to 89 % of the peak over the whole episode, H200 SXM 47 %.
USUAL_SHARE = 0.5
# A generation of less waits for kernel launches on a GPU: arithmetic says nothing of its time.
ARITHMETIC_BOUND_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'model', help='checkpoint (name or folder), or configuration (name or YAML file)'
    )
    parser.add_argument('--json', action='store_true', help='print one JSON object instead')


def run(args: argparse.Namespace) -> int:
    """Print the figures and return the exit status."""
    import torch

    from vag_core.configuration import ConfigError
    from vag_core.cost import cost, matmul_rate

    try:
        about, cfg = _find(args.model)
    except (FileNotFoundError, ConfigError) as error:
        print(f'vag info: {error}', file=sys.stderr)
        return 2
    found = cost(cfg)
    floor = {gpu: found.episode_flop / 1e12 / peak for gpu, peak in PEAK_TFLOPS.items()}
    if min(floor.values()) < ARITHMETIC_BOUND_S:
        floor.clear()
    cpu = f'this CPU, {torch.get_num_threads()} threads, float32'
    floor[cpu] = found.episode_flop / matmul_rate()
    if args.json:
        expected = {device: seconds / USUAL_SHARE for device, seconds in floor.items()}
        figures = {**_figures(found), 'expected_seconds': expected}
        print(json.dumps({**about, **figures}, indent=2))
    else:
        _print(about, cfg, found, floor)
    return 0


def _find(name: str):
    """Return what is known of the model ``name`` beside its configuration, and that."""
    from vag_core import resources
    from vag_core.checkpoint import CONFIG_FILE, CheckpointConfig
    from vag_core.configuration import load, read_yaml
    from vag_core.model.vag import VagConfig

    name = ALIASES.get(name, name)
    path = Path(name)
    for shipped in (f'checkpoints/{name}', f'config/models/{name}.yaml'):
        if not path.is_file() and not (path / CONFIG_FILE).is_file():
            with contextlib.suppress(FileNotFoundError):
                path = resources.find(shipped)
    if (path / CONFIG_FILE).is_file():
        checkpoint = load(CheckpointConfig, path / CONFIG_FILE)
        about = {
            'checkpoint': path.resolve().name,
            'evaluation': checkpoint.evaluation,
            'embodiment': checkpoint.embodiment.name,
            'fps': checkpoint.fps,
        }
        return about, checkpoint.model
    if not path.is_file():
        known = {
            *resources.names('checkpoints', ''),
            *resources.names('config/models', '.yaml'),
            *ALIASES,
        }
        raise FileNotFoundError(
            f'{name}: no checkpoint folder, YAML file or shipped name ({", ".join(sorted(known))})'
        )
    model = read_yaml(path).get('model', {})
    return {'configuration': path.stem}, load(VagConfig, model, f'{path}: model')


def _figures(found) -> dict:
    return {
        'video_parameters': found.video_parameters,
        'action_parameters': found.action_parameters,
        'vae_parameters': found.vae_parameters,
        'latent': list(found.latent),
        'tokens': found.tokens,
        'forward_tflop': found.forward_flop / 1e12,
        'action_forward_tflop': found.action_flop / 1e12,
        'encode_tflop': found.encode_flop / 1e12,
        'decode_tflop': found.decode_flop / 1e12,
        'video_evaluations': found.evaluations,
        'episode_tflop': found.episode_flop / 1e12,
        'weights_bf16_gib': found.weight_bytes() / 2**30,
        'activations_gib': found.activation_bytes / 2**30,
        'training_state_gib': found.training_bytes / 2**30,
    }


def _print(about: dict, cfg, found, floor: dict[str, float]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, show_header=False)
    table.add_column(style='bold')
    table.add_column()
    for key, value in about.items():
        table.add_row(key, str(value))
    frames, rows, columns = found.latent
    sampler = cfg.sampler
    lines = {
        'episode': f'{cfg.frames} frames of {cfg.height} x {cfg.width}, '
        f'{cfg.frames} actions of {cfg.action.dimension} dimensions',
        'latent': f'{cfg.vae.latent_channels} x {frames} x {rows} x {columns}',
        'video stream': f'{found.video_parameters:,} parameters, {found.tokens:,} tokens, '
        f'{_flop(found.forward_flop)} an evaluation',
        'action stream': f'{found.action_parameters:,} parameters, '
        f'{_flop(found.action_flop)} an evaluation',
        'VAE': f'{found.vae_parameters:,} parameters, {_flop(found.encode_flop)} for the first '
        f'frame, {_flop(found.decode_flop)} to decode',
        'sampler': f'{sampler.steps} steps, {sampler.solver.value}, '
        f'guidance {sampler.guidance:g}: {found.evaluations} evaluations of the video stream',
        'one generation': _flop(found.episode_flop),
        'memory': f'weights {_size(found.weight_bytes())} in bf16, '
        f'activations about {_size(found.activation_bytes)}; text encoder and decoding apart',
        'training state': f'{_size(found.training_bytes)} (both streams, AdamW, fp32 master '
        'weights), activations apart',
    }
    for key, value in lines.items():
        table.add_row(key, value)
    console.print(table)
    times = Table(box=None)
    for heading in ('one generation on', 'floor, s', 'expected, s'):
        times.add_column(heading)
    for device, seconds in floor.items():
        times.add_row(device, f'{seconds:.3g}', f'{seconds / USUAL_SHARE:.3g}')
    console.print(times)
    console.print(
        'floor: the arithmetic at the peak of matrix products, bf16 as the maker of a GPU states '
        'it, or as measured now; expected: at half that speed'
    )


def _flop(value: float) -> str:
    for unit, size in (('PFLOP', 1e15), ('TFLOP', 1e12), ('GFLOP', 1e9)):
        if value >= size:
            return f'{value / size:,.1f} {unit}'
    return f'{value / 1e6:,.1f} MFLOP'


def _size(value: float) -> str:
    return f'{value / 2**30:.2f} GiB' if value >= 2**30 else f'{value / 2**20:.1f} MiB'
