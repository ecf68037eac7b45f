#!/usr/bin/env python3
"""Add the matrix of its previews to a checkpoint that was written without one.

Training stores it by itself; a checkpoint without it fits one to the first picture of each
generation. The folder's hash changes.
"""

import argparse
from pathlib import Path

import torch

from vag_core.checkpoint import PREVIEW_FILE, load_checkpoint, write_preview
from vag_core.train.demonstrations import load_demonstrations
from vag_core.train.preview_fit import fit_to_demonstrations


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('checkpoint', type=Path, help='its folder')
    parser.add_argument('--data', type=Path, required=True, help='episodes to fit it to')
    arguments = parser.parse_args()
    if (arguments.checkpoint / PREVIEW_FILE).exists():
        raise SystemExit(f'{arguments.checkpoint / PREVIEW_FILE}: exists already')
    checkpoint = load_checkpoint(arguments.checkpoint)
    cfg = checkpoint.config
    data = load_demonstrations(arguments.data, cfg.model, cfg.camera)
    device = torch.device('cpu')
    write_preview(arguments.checkpoint, fit_to_demonstrations(checkpoint.model.vae, data, device))
    print(f'{arguments.checkpoint}: hash {load_checkpoint(arguments.checkpoint).hash}')


if __name__ == '__main__':
    main()
