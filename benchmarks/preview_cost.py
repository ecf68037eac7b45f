"""What previews cost: processor time of generations with and without them, in turn.

Beside other work the processor time of a generation itself varies by some per cent. So what is
spent inside the previews is measured as well: everything from the estimate to the sent messages,
as a share of the generation that it is part of.

Does what the generator node does after each step, with its own classes: feedback is published
either way; with previews, one frame of the estimate is made, captioned, encoded as JPEG, published
as a picture and sent with the feedback, to a process that receives both. Run it inside env.sh.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import rclpy
import torch
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage

from vag_core import resources
from vag_core.checkpoint import load_checkpoint
from vag_core.generate import Progress, Request, generate
from vag_core.model import latent_preview
from vag_ros import names
from vag_ros.action import GenerateEpisode
from vag_ros.preview import PreviewVideo

INSTRUCTION = 'pick up the red cube with the left arm'
FEEDBACK = GenerateEpisode.Impl.FeedbackMessage
FEEDBACK_TOPIC = f'{names.GENERATE_EPISODE}/_action/feedback'
FEEDBACK_QOS = QoSProfile(depth=100)


def receive() -> None:
    """Subscribe to what is published, as the operator does, until the process is ended."""
    rclpy.init()
    node = rclpy.create_node('preview_cost_receiver')
    node.create_subscription(FEEDBACK, FEEDBACK_TOPIC, lambda _: None, FEEDBACK_QOS)
    node.create_subscription(CompressedImage, names.PREVIEW_VIDEO, lambda _: None, names.STATE_QOS)
    with contextlib.suppress(ExternalShutdownException, KeyboardInterrupt):
        rclpy.spin(node)


class Bench:
    """Generations of one checkpoint with its previews on or off."""

    def __init__(self, checkpoint: str, share: float) -> None:
        self.checkpoint = load_checkpoint(checkpoint, 'cpu')
        self.share = share
        self.shown, self.inside = 0, 0.0
        for name in ('preview', 'fit_preview'):
            setattr(latent_preview, name, self._counted(getattr(latent_preview, name)))
        node = rclpy.create_node('preview_cost')
        self._preview = PreviewVideo(node, 'camera', 95)
        self._feedback = node.create_publisher(FEEDBACK, FEEDBACK_TOPIC, FEEDBACK_QOS)
        image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
        start = None
        if self.checkpoint.config.model.action.start_state:
            start = np.zeros(self.checkpoint.embodiment.dimension)
        self._request = Request(image, INSTRUCTION, seed=0, start_state=start)
        while not self._feedback.get_subscription_count():
            time.sleep(0.05)

    @contextlib.contextmanager
    def _counting(self) -> Iterator[None]:
        before = time.process_time()
        yield
        self.inside += time.process_time() - before

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with self._counting():
                return function(*arguments)

        return call

    def spent(self, previews: bool) -> float:
        """Return the processor time of one generation, s; ``inside`` then has its previews'."""
        self.inside = 0.0
        before = time.process_time()
        generate(
            self.checkpoint,
            [self._request],
            self._report,
            preview=previews,
            preview_share=self.share,
        )
        return time.process_time() - before

    def _report(self, progress: Progress) -> None:
        message = FEEDBACK()
        message.feedback.step, message.feedback.total = progress.step, progress.total
        if progress.preview is None:
            self._feedback.publish(message)
            return
        self.shown += 1
        with self._counting():
            caption = f'denoising {progress.step}/{progress.total}   not evaluated'
            message.feedback.preview = self._preview.show(progress.preview, caption)
            self._feedback.publish(message)


def interval(values: np.ndarray, draws: int = 2000) -> list[float]:
    """Return the 95 % bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (draws, len(values))), axis=1)
    return [round(float(q), 4) for q in np.quantile(medians, (0.025, 0.975))]


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--checkpoint', default=resources.DEFAULT_CHECKPOINT)
    parser.add_argument(
        '--share', type=float, default=0.01, help="as the generator's preview_share"
    )
    parser.add_argument('--pairs', type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    receiver = multiprocessing.get_context('spawn').Process(target=receive, daemon=True)
    receiver.start()
    rclpy.init()
    bench = Bench(arguments.checkpoint, arguments.share)
    bench.spent(False)
    first, load = bench.spent(True), os.getloadavg()[0]
    first = bench.inside / first
    bench.shown = 0
    pairs, inside = [], []
    for number in range(arguments.pairs):
        # The order changes: what slows down or speeds up over time hits both alike.
        order = (False, True) if number % 2 else (True, False)
        found = {}
        for previews in order:
            found[previews] = bench.spent(previews)
            if previews:
                inside.append(bench.inside / found[True])
        pairs.append((found[False], found[True]))
    receiver.terminate()
    without, with_previews = np.array(pairs).T
    slower = with_previews / without - 1
    print(
        json.dumps(
            {
                'checkpoint': arguments.checkpoint,
                'without_s': round(float(np.median(without)), 3),
                'with_s': round(float(np.median(with_previews)), 3),
                'slower_by': round(float(np.median(slower)), 4),
                'slower_by_95': interval(slower),
                'inside_previews': round(float(np.median(inside)), 4),
                'inside_previews_max': round(max(inside), 4),
                'inside_previews_of_the_first': round(first, 4),
                'previews': bench.shown / arguments.pairs,
                'preview_share': arguments.share,
                'pairs': arguments.pairs,
                'load': round(load, 1),
            }
        )
    )
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
