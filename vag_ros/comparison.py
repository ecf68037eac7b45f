"""The live camera beside the image that the displayed episode starts from, for the approval."""

import time

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from vag_core.draw import write_caption
from vag_core.images import encode_jpeg
from vag_core.robot import ImageTransport, RobotProfile
from vag_ros import names
from vag_ros.convert import read_image, to_compressed
from vag_ros.msg import Episode

RATE_HZ = 4.0
HEIGHT = 360
JPEG_QUALITY = 85
FROZEN_S = 2.0


class Comparison:
    """Publishes both images side by side while an episode is on display."""

    def __init__(self, node: Node, profile: RobotProfile) -> None:
        self._clock = node.get_clock()
        self._frame_id = profile.camera.frame_id
        self._live: CompressedImage | Image | None = None
        self._fresh, self._received = False, 0.0
        self._conditioning: np.ndarray | None = None
        self._publisher = node.create_publisher(
            CompressedImage, names.PREVIEW_COMPARISON, names.STATE_QOS
        )
        compressed = profile.camera.transport is ImageTransport.COMPRESSED
        node.create_subscription(
            CompressedImage if compressed else Image,
            profile.camera.topic,
            self._on_image,
            names.CAMERA_QOS,
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(1 / RATE_HZ, self._tick, clock=steady)

    def set_episode(self, episode: Episode | None) -> None:
        """Compare with what this episode starts from; None: show nothing."""
        self._conditioning = None
        if episode is not None and len(episode.conditioning_image.data):
            pixels = read_image(episode.conditioning_image)[1]
            self._conditioning = _captioned(pixels, 'the episode starts from this')

    def _on_image(self, message: CompressedImage | Image) -> None:
        self._live, self._fresh, self._received = message, True, time.monotonic()

    def _tick(self) -> None:
        age = time.monotonic() - self._received
        frozen = age > FROZEN_S
        if self._live is None or self._conditioning is None or not (self._fresh or frozen):
            return
        self._fresh = False
        try:
            pixels = read_image(self._live)[1]
        except ValueError:
            return
        caption = f'NO NEW PICTURE for {age:.0f} s' if frozen else 'live'
        both = np.hstack([_captioned(pixels, caption), self._conditioning])
        stamp = self._clock.now().nanoseconds
        data = encode_jpeg(both, JPEG_QUALITY)
        self._publisher.publish(to_compressed(data, stamp, self._frame_id))


def _captioned(pixels: np.ndarray, caption: str) -> np.ndarray:
    import cv2

    width = round(pixels.shape[1] * HEIGHT / pixels.shape[0])
    return write_caption(cv2.resize(pixels, (width, HEIGHT)), caption)
