"""The preview topic: what the generator is making, then its finished video in a loop."""

from collections.abc import Iterable

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage

from vag_core.draw import write_caption
from vag_core.episode import Episode
from vag_core.images import encode_jpeg
from vag_core.robot import RobotProfile
from vag_core.tool_paths import clamped
from vag_ros import convert, names

WIDTH = 640  # narrower pictures are enlarged to it, so that their caption can be read


class PreviewVideo:
    """Publisher of preview pictures; its methods may be called from any thread."""

    def __init__(self, node: Node, frame_id: str, jpeg_quality: int) -> None:
        self._node = node
        self._frame_id = frame_id
        self._jpeg_quality = jpeg_quality
        self._publisher = node.create_publisher(
            CompressedImage, names.PREVIEW_VIDEO, names.STATE_QOS
        )
        self._group = MutuallyExclusiveCallbackGroup()
        self._timer: Timer | None = None
        self._pictures: list[bytes | tuple[np.ndarray, str]] = []
        self._next = 0
        self._paused = False
        self._episode_id = ''
        self._displayed: str | None = None

    def start(self, fps: float) -> None:
        """Begin to loop at ``fps`` over whatever :meth:`loop` is given."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(1 / fps, self._tick, self._group, steady)

    def stop(self) -> None:
        """Stop looping and forget the pictures."""
        self._pictures = []
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None

    def pause(self) -> None:
        """Interrupt the loop, for estimates of another episode."""
        self._paused = True

    def resume(self) -> None:
        """Go on with the loop that was interrupted, if there is one."""
        self._paused = False

    def displayed(self, episode_id: str) -> None:
        """Loop from now on only while this is the episode of the loop; '' is none."""
        self._displayed = episode_id

    def show(self, frame: np.ndarray, caption: str) -> CompressedImage:
        """Publish one (H, W, 3) uint8 RGB frame now and return the message."""
        message = self._message(self._encode(frame, caption))
        self._publisher.publish(message)
        return message

    def loop(self, episode_id: str, captioned_frames: Iterable[tuple[np.ndarray, str]]) -> None:
        """Show these frames of an episode, each with its caption, again and again.

        So it goes on until an operator says that no such episode is on display.
        """
        pictures = list(captioned_frames)
        self._displayed, self._episode_id = None, episode_id
        self._next = 0
        self._pictures, self._paused = pictures, False

    def _tick(self) -> None:
        pictures = self._pictures
        if not pictures or self._paused or self._displayed not in (None, self._episode_id):
            return
        index = self._next % len(pictures)
        if not isinstance(pictures[index], bytes):
            # Only now: the episode, which is there at once, does not wait for it.
            pictures[index] = self._encode(*pictures[index])
        self._publisher.publish(self._message(pictures[index]))
        self._next += 1

    def _encode(self, frame: np.ndarray, caption: str) -> bytes:
        return encode_jpeg(captioned(frame, caption), self._jpeg_quality)

    def _message(self, data: bytes) -> CompressedImage:
        now = self._node.get_clock().now().nanoseconds
        return convert.to_compressed(data, now, self._frame_id)


def captions(episode: Episode, profile: RobotProfile) -> list[str]:
    """Return a line for each frame: instruction, time, what the checkpoint is worth, clamps."""
    evaluation = episode.provenance['evaluation']
    return [
        f'"{episode.instruction}"  {k / episode.fps:.1f} s  {evaluation}'
        + '  CLAMPED' * bool(moved)
        for k, moved in enumerate(clamped(profile, episode.actions).any(axis=1))
    ]


def captioned(frame: np.ndarray, caption: str) -> np.ndarray:
    """Enlarge an (H, W, 3) picture that is too small to read, and caption it."""
    import cv2

    height, width = frame.shape[:2]
    if width < WIDTH:
        size = (WIDTH, round(height * WIDTH / width))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
    return write_caption(frame, caption)
