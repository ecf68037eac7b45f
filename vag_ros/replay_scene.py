"""What has changed since the conditioning image: the scene by the head camera, or the arms."""

import threading
import time
from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from vag_core.robot import ImageTransport, RobotProfile
from vag_core.safety.scene import PoseHistory, arms_moved, compare_images
from vag_ros import names
from vag_ros.convert import read_image
from vag_ros.side_node import SideNode

# How often a camera image is taken; the streaming process needs no more.
PAUSE_S = 0.2
# An older image shows no scene of now.
IMAGE_MAX_AGE_S = 5.0


@dataclass(frozen=True)
class Conditioning:
    """What a goal's trajectory was generated from; a stamp of 0 is unknown, an empty image too."""

    stamp_ns: int
    image: CompressedImage


class SceneWatch:
    """Keeps the newest image of the head camera and the poses of the last minutes."""

    def __init__(self, server: Node, profile: RobotProfile, max_age_s: float):
        self._profile = profile
        self._history = PoseHistory(max_age_s)
        self._image: tuple[float, CompressedImage | Image] | None = None
        self._lock = threading.Lock()
        self._known: tuple[bytes, np.ndarray] | None = None
        self._side = SideNode(server, 'scene', PAUSE_S)
        raw = profile.camera.transport is ImageTransport.RAW
        self._side.node.create_subscription(
            Image if raw else CompressedImage,
            profile.camera.topic,
            self._take,
            names.FEEDBACK_QOS,
        )
        self._side.start()

    def close(self) -> None:
        """Stop listening."""
        self._side.close()

    def add_pose(self, stamp_ns: int, pose: np.ndarray) -> None:
        """Keep a measured pose (D,)."""
        self._history.add(stamp_ns, pose)

    def changes(self, conditioning: Conditioning, measured: np.ndarray) -> list[str]:
        """Say what differs now from when the image was taken, for people; [] when nothing does."""
        moved = None
        if conditioning.stamp_ns:
            moved = arms_moved(self._history.at(conditioning.stamp_ns), measured, self._profile)
        found = [moved, self._scene_change(conditioning.image)]
        return [text for text in found if text is not None]

    def _scene_change(self, image: CompressedImage) -> str | None:
        if not image.data:
            return None
        topic = self._profile.camera.topic
        if self._image is None:
            return f'the scene was not compared: no image has come on {topic}'
        received, newest = self._image
        if time.monotonic() - received > IMAGE_MAX_AGE_S:
            return (
                f'the scene was not compared: no image has come on {topic} '
                f'for {IMAGE_MAX_AGE_S:.0f} s'
            )
        try:
            change = compare_images(self._pixels(image), read_image(newest)[1])
        except ValueError as error:
            return f'the scene was not compared: {error}'
        limit = self._profile.scene_tolerance
        if change.largest <= limit:
            return None
        return (
            f'the scene on {topic} has changed by {change.largest:.0f} grey levels at '
            f'{change.column:.0%} of the width and {change.row:.0%} of the height; '
            f'scene_tolerance = {limit:.0f}'
        )

    def _pixels(self, image: CompressedImage) -> np.ndarray:
        data = bytes(image.data)
        with self._lock:
            if self._known is None or self._known[0] != data:
                self._known = data, read_image(image)[1]
            return self._known[1]

    def _take(self, message: CompressedImage | Image) -> None:
        self._image = time.monotonic(), message
