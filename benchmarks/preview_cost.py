"""What previews cost: processor time of generations with and without, in turn.

With previews, each denoising step also turns one frame of the clean estimate into a picture,
captions it and encodes it as JPEG, as the generator node does; publishing it is not included.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from vag_core.checkpoint import load_checkpoint
from vag_core.generate import Progress, Request, generate
from vag_core.images import encode_jpeg
from vag_ros.preview import captioned

INSTRUCTION = 'pick up the red cube with the left arm'


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--checkpoint', default='tiny')
    parser.add_argument(
        '--share', type=float, default=0.02, help="as the generator's preview_share"
    )
    parser.add_argument('--pairs', type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(arguments.checkpoint, 'cpu')
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    request = Request(image=image, instruction=INSTRUCTION, seed=0)

    def show(progress: Progress) -> None:
        if progress.preview is not None:
            encode_jpeg(captioned(progress.preview, f'{progress.step}/{progress.total}'), 95)

    def spent(on_progress: Callable[[Progress], None] | None) -> float:
        before = time.process_time()
        generate(checkpoint, [request], on_progress, preview_share=arguments.share)
        return time.process_time() - before

    spent(None)
    pairs = [(spent(None), spent(show)) for _ in range(arguments.pairs)]
    without, with_previews = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        json.dumps(
            {
                'checkpoint': arguments.checkpoint,
                'without_s': round(without, 3),
                'with_s': round(with_previews, 3),
                'slower_by': round(with_previews / without - 1, 4),
                'preview_share': arguments.share,
                'pairs': arguments.pairs,
            }
        )
    )


if __name__ == '__main__':
    main()
