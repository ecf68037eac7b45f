"""PSNR and SSIM of videos, over all pixels and over those where something moves.

Videos are (T, H, W, 3) uint8 RGB; masks are (T, H, W) bool.
"""

import numpy as np

MOVING = 20
"""Grey levels by which a pixel must differ from the first frame to count as moving."""


def moving_pixels(video: np.ndarray, threshold: int = MOVING) -> np.ndarray:
    """(T, H, W) mask of the pixels that differ from the first frame by more than ``threshold``.

    One channel suffices. Where an object has left, its place counts as well.
    """
    difference = np.abs(video.astype(np.int16) - video[0].astype(np.int16))
    return (difference > threshold).any(axis=-1)


def psnr(first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio of two uint8 arrays, dB, from the mean squared error of all.

    A video's is that of its pooled error, not the mean over its frames. Equal arrays have an
    infinite one, an empty mask gives NaN.

    Args:
        first, second: of the same shape.
        mask: which values count, or which pixels where the arrays have channels besides.
    """
    _check(first, second)
    error = (first.astype(np.float64) - second) ** 2
    chosen = error if mask is None else error[mask]
    if not chosen.size:
        return float('nan')
    mean = float(chosen.mean())
    return 10 * float(np.log10(255.0**2 / mean)) if mean else float('inf')


def ssim(first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Structural similarity (Wang et al., 2004) of two videos: mean of its map.

    Gaussian window of 11 pixels and standard deviation 1.5 on every channel of every frame, k1 =
    0.01, k2 = 0.03, borders mirrored. An empty mask gives NaN.

    Args:
        first, second: (T, H, W, 3) uint8.
        mask: (T, H, W) pixels over which the map is averaged; None for all.
    """
    found = ssim_map(first, second)
    chosen = found if mask is None else found[mask]
    return float(chosen.mean()) if chosen.size else float('nan')


def ssim_map(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T, H, W) structural similarity of two (T, H, W, 3) uint8 videos, as in :func:`ssim`."""
    _check(first, second)
    return np.stack([_similarity(a, b) for a, b in zip(first, second, strict=True)])


def _similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """SSIM map (H, W) of two (H, W, 3) pictures, the mean over the channels."""
    import cv2

    def blurred(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT_101)

    a, b = first.astype(np.float64), second.astype(np.float64)
    mean_a, mean_b = blurred(a), blurred(b)
    variances = blurred(a * a) - mean_a**2 + blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * (2 * covariance + c2) / (variances + c2)).mean(axis=-1)


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape or first.dtype != np.uint8 or second.dtype != np.uint8:
        raise ValueError(
            f'video: {first.shape} {first.dtype} and {second.shape} {second.dtype}: both must be '
            'uint8 and of one shape'
        )
