"""Scene: is what the camera sees, and where the arms stand, still as in the conditioning image?"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.deviation import displaced
from vag_core.safety.outcome import ErrorCode, Refusal

GRID = (64, 48)
BLUR = 3
# Poses are kept at the rate at which they are added; a stamp finds one no farther away than this.
NEAR_S = 0.2
# Clocks of one computer agree better than that.
MAX_FUTURE_S = 1.0
NS = 1e-9


@dataclass(frozen=True)
class SceneChange:
    """How two pictures of one camera differ, as grey pictures of 64 x 48 blurred cells.

    Attributes:
        largest: grey levels (0 to 255) by which the cell that changed most did.
        mean: of all cells.
        column, row: of that cell, as shares of the picture's width and height.
    """

    largest: float
    mean: float
    column: float
    row: float


def compare_images(before: np.ndarray, after: np.ndarray) -> SceneChange:
    """Compare two (H, W, 3) uint8 RGB pictures; a change of overall brightness is taken out.

    One cell is 1/64 of the picture's width, so a moved cube of a few centimetres fills some of
    them, while noise and JPEG artefacts average out within each.
    """
    difference = _cells(after) - _cells(before)
    difference = np.abs(difference - np.median(difference))
    row, column = np.unravel_index(np.argmax(difference), difference.shape)
    return SceneChange(
        largest=float(difference.max()),
        mean=float(difference.mean()),
        column=float((column + 0.5) / GRID[0]),
        row=float((row + 0.5) / GRID[1]),
    )


def _cells(image: np.ndarray) -> np.ndarray:
    import cv2

    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), GRID, interpolation=cv2.INTER_AREA)
    return cv2.blur(grey.astype(np.float32), (BLUR, BLUR))


def image_age(stamp_ns: int, now_ns: int, max_age_s: float) -> Refusal | None:
    """Refuse an image that is too old, or from the future; a stamp of 0 is an unknown one."""
    if not stamp_ns:
        return None
    age = (now_ns - stamp_ns) * NS
    if age > max_age_s:
        text = f'the conditioning image is {age:.1f} s old; max_image_age = {max_age_s:.1f} s'
        return Refusal(ErrorCode.STALE_IMAGE, text, value=age, limit=max_age_s)
    if age < -MAX_FUTURE_S:
        text = f'conditioning_stamp lies {-age:.1f} s in the future: the clocks disagree'
        return Refusal(ErrorCode.STALE_IMAGE, text, value=age, limit=max_age_s)
    return None


class PoseHistory:
    """Measured poses by wall-clock stamp, for as long as an image may be old."""

    def __init__(self, max_age_s: float):
        self._max_age_ns = max_age_s / NS
        self._poses: deque[tuple[int, np.ndarray]] = deque()

    def add(self, stamp_ns: int, pose: np.ndarray) -> None:
        """Keep the (D,) pose that was measured at ``stamp_ns``."""
        self._poses.append((stamp_ns, pose))
        while abs(stamp_ns - self._poses[0][0]) > self._max_age_ns:
            self._poses.popleft()

    def at(self, stamp_ns: int) -> np.ndarray | None:
        """Return the (D,) pose nearest to ``stamp_ns``, None when nothing is near."""
        near = min(list(self._poses), key=lambda item: abs(item[0] - stamp_ns), default=(0, None))
        return near[1] if abs(near[0] - stamp_ns) * NS <= NEAR_S else None


def arms_moved(
    before: np.ndarray | None, measured: np.ndarray, profile: RobotProfile
) -> str | None:
    """Say which joint is not where it was when the image was taken, or None."""
    if before is None or not np.isfinite(before).all():
        return None
    reason = displaced(before, measured, profile)
    return f'since the conditioning image was taken, {reason.message}' if reason else None
