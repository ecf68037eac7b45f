"""Pictures and video files: encoded bytes, arrays of RGB pixels, and MP4."""

from fractions import Fraction
from pathlib import Path

import numpy as np


def encode_jpeg(image: np.ndarray, quality: int = 95) -> bytes:
    """Encode one (H, W, 3) uint8 RGB image; ValueError names a wrong shape or type."""
    return _encode(image, '.jpg', quality)


def encode_png(image: np.ndarray) -> bytes:
    """Encode one (H, W, 3) uint8 RGB image without loss."""
    return _encode(image, '.png')


def _encode(image: np.ndarray, suffix: str, quality: int | None = None) -> bytes:
    import cv2

    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f'image: expected (H, W, 3) uint8, got {image.shape} {image.dtype}')
    options = [] if quality is None else [cv2.IMWRITE_JPEG_QUALITY, quality]
    ok, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not ok:
        raise ValueError(f'image of shape {image.shape}: could not be encoded as {suffix}')
    return data.tobytes()


def decode_image(data: bytes) -> np.ndarray:
    """Decode JPEG or PNG bytes to (H, W, 3) uint8 RGB; ValueError when they are neither."""
    import cv2

    buffer = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR) if buffer.size else None
    if image is None:
        raise ValueError(f'{len(data)} bytes are no JPEG or PNG image')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_mp4(path: Path, frames: np.ndarray, fps: float, quality: int = 12) -> None:
    """Write (T, H, W, 3) uint8 RGB as H.264 that any player shows.

    ``quality`` is x264's constant rate factor: 0 is lossless, 18 visually so. An odd height or
    width is refused because 4:2:0 chroma can't hold it.
    """
    import av

    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f'frames: expected (T, H, W, 3) uint8, got {frames.shape} {frames.dtype}')
    _, height, width, _ = frames.shape
    if height % 2 or width % 2:
        raise ValueError(f'frames: {height} x {width} pixels: both must be even for H.264')
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        stream.options = {'crf': str(quality), 'preset': 'medium', 'g': '10'}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        container.mux(stream.encode(None))


def read_mp4(path: Path) -> np.ndarray:
    """Read a video file as (T, H, W, 3) uint8 RGB; ValueError when it holds no frame."""
    import av

    try:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f'{path}: no readable video: {error}') from None
    if not frames:
        raise ValueError(f'{path}: no frames')
    return np.stack(frames)
