"""``vag init``: a checkpoint from Cosmos-Predict2's weights and an untrained action stream."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

SUMMARY = 'make a checkpoint from pretrained Cosmos-Predict2 weights, to be trained'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--config',
        default='config/models/cosmos_2b.yaml',
        help='of the model (YAML; default: %(default)s)',
    )
    parser.add_argument(
        '--cosmos',
        type=Path,
        required=True,
        help="Cosmos-Predict2-Video2World in diffusers' layout: transformer/, vae/, "
        'text_encoder/, tokenizer/',
    )
    parser.add_argument('--video', type=Path, help='another transformer: folder or .pt file')
    parser.add_argument('--vae', type=Path, help='another VAE: folder or file')
    parser.add_argument('--text', type=Path, help='another T5 encoder: folder')
    parser.add_argument(
        '--embodiment', required=True, help='libero, agibot, a robot profile, or a YAML file'
    )
    parser.add_argument('--out', type=Path, required=True, help='new folder of the checkpoint')
    parser.add_argument(
        '--camera', help="key of the view; default: the robot profile's head camera, else head"
    )
    parser.add_argument(
        '--fps', type=float, default=10.0, help='of frames and actions, Hz (default: 10)'
    )
    parser.add_argument(
        '--dtype',
        choices=('bfloat16', 'float32'),
        default='bfloat16',
        help='of the video stream in memory (default: %(default)s)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the untrained action stream (default: 0)'
    )


def run(args: argparse.Namespace) -> int:
    """Make the checkpoint, print what was done, return 0, or 2 where something does not fit."""
    from vag_core import resources
    from vag_core.configuration import load, read_yaml
    from vag_core.initialise import Meaning, Sources, initialise
    from vag_core.model.vag import VagConfig

    path = Path(args.config)
    try:
        path = path if path.is_file() else resources.find(path)
        model = load(VagConfig, read_yaml(path).get('model', {}), f'{path}: model')
        embodiment, camera = _embodiment(args.embodiment)
        own = {name: getattr(args, name) for name in ('video', 'vae', 'text')}
        sources = replace(
            Sources.of_cosmos(args.cosmos), **{k: v for k, v in own.items() if v is not None}
        )
        print(f'{path}: {model.frames} frames of {model.height} x {model.width}')
        print(f'embodiment {embodiment.name}: {embodiment.dimension} dimensions')
        meaning = Meaning(embodiment, args.camera or camera, args.fps, args.dtype, args.seed)
        cfg = initialise(args.out, model, sources, meaning, print)
    except (ValueError, OSError) as error:
        print(f'vag init: {error}', file=sys.stderr)
        return 2
    print('normaliser: identity, until training fits one')
    print(f'{args.out}: written; its episodes say {cfg.evaluation!r} until it is trained')
    return 0


def _embodiment(name: str):
    """Return an embodiment and the key of its camera."""
    from vag_core.configuration import ConfigError
    from vag_core.embodiment import embodiment_names, load_embodiment
    from vag_core.robot import load_profile, profile_names

    if name in profile_names():
        profile = load_profile(name)
        return profile.as_embodiment(), profile.camera.key
    if name in embodiment_names() or Path(name).suffix in ('.yaml', '.yml'):
        return load_embodiment(name), 'head'
    known = ', '.join(sorted([*profile_names(), *embodiment_names()]))
    raise ConfigError(f'--embodiment = {name!r}: known are {known}, or a YAML file')
