"""Film strips of results: the generated video above the film of its actions' replay."""

from pathlib import Path

import numpy as np

from vag_core.images import encode_jpeg

FRAMES = 8


def save_strip(path: Path, video: np.ndarray, film: np.ndarray | None) -> None:
    """Write ``FRAMES`` evenly spaced frames of (T, H, W, 3) videos, the film's below; or black."""
    moments = np.linspace(0, len(video) - 1, FRAMES).round().astype(int)
    film = np.zeros_like(video) if film is None else film
    rows = [np.hstack(list(frames[moments])) for frames in (video, film)]
    path.write_bytes(encode_jpeg(np.vstack(rows)))
