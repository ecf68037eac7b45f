"""Camera pictures of any size to the model's, and pixels to the range [-1, 1]."""

import enum

import numpy as np
import torch
from torch import Tensor


class ImageFit(enum.Enum):
    """What happens to a picture of another aspect ratio."""

    STRETCH = 'stretch'
    COVER = 'cover'
    PAD = 'pad'


def fit_image(image: np.ndarray, height: int, width: int, fit: ImageFit) -> np.ndarray:
    """Resize (H, W, 3) uint8 RGB to (height, width, 3).

    ``stretch`` ignores the aspect ratio, ``cover`` crops about the centre, ``pad`` adds black
    borders.

    Raises:
        ValueError: the array is no RGB picture.
    """
    import cv2

    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f'image: expected (H, W, 3) uint8, got {image.shape} {image.dtype}')
    ratios = height / image.shape[0], width / image.shape[1]
    if fit is ImageFit.STRETCH:
        rows, columns = height, width
    else:
        scale = max(ratios) if fit is ImageFit.COVER else min(ratios)
        rows, columns = (max(1, round(scale * n)) for n in image.shape[:2])
    # Area averaging is right for shrinking and falls back to nearest for enlarging.
    method = cv2.INTER_AREA if rows <= image.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(image, (columns, rows), interpolation=method)
    if fit is ImageFit.STRETCH:
        return resized
    if fit is ImageFit.COVER:
        top, left = (rows - height) // 2, (columns - width) // 2
        return np.ascontiguousarray(resized[top : top + height, left : left + width])
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = resized
    return canvas


def to_unit_range(pixels: np.ndarray) -> Tensor:
    """Map (..., H, W, 3) uint8 to (..., 3, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(pixels).movedim(-1, -3).float() / 127.5 - 1


def to_pixels(values: Tensor) -> np.ndarray:
    """Map (..., 3, H, W) in [-1, 1] to (..., H, W, 3) uint8."""
    pixels = ((values.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.movedim(-3, -1).cpu().numpy())
