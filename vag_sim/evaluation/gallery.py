"""Film strips of results, the generated video above the film of its replay, and sheets of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vag_core.images import decode_image, encode_jpeg
from vag_sim.evaluation.results import Result

FRAMES = 8
SHOWN, COLUMNS = 16, 2
CAPTION, GAP, LINE = 22, 8, 2


def save_strip(path: Path, video: np.ndarray, film: np.ndarray | None) -> None:
    """Write ``FRAMES`` evenly spaced frames of (T, H, W, 3) videos, the film's below; or black."""
    moments = np.linspace(0, len(video) - 1, FRAMES).round().astype(int)
    film = np.zeros_like(video) if film is None else film
    border = ((0, 0), (LINE, 0), (LINE, 0), (0, 0))
    framed = [np.pad(frames[moments], border, constant_values=255) for frames in (video, film)]
    path.write_bytes(encode_jpeg(np.vstack([np.hstack(list(frames)) for frames in framed])))


def sheet(strips: Sequence[tuple[Result, Path]], path: Path) -> None:
    """Tile up to ``SHOWN`` strips, evenly chosen, under captions of what went wrong; a JPEG."""
    chosen = np.unique(np.linspace(0, len(strips) - 1, SHOWN).round().astype(int))
    tiles = []
    for result, strip in (strips[i] for i in chosen):
        pictures = decode_image(strip.read_bytes())
        tiles.append(np.vstack([_heading(caption(result), pictures.shape[1]), pictures]))
    blank = np.full((tiles[0].shape[0] + GAP, tiles[0].shape[1] + GAP, 3), 255, np.uint8)
    framed = []
    for tile in tiles:
        framed.append(blank.copy())
        framed[-1][: tile.shape[0], : tile.shape[1]] = tile
    columns = min(COLUMNS, len(framed))
    framed += [blank] * (-len(framed) % columns)
    lines = [np.hstack(framed[i : i + columns]) for i in range(0, len(framed), columns)]
    path.write_bytes(encode_jpeg(np.vstack(lines), quality=88))


def _heading(text: str, width: int) -> np.ndarray:
    """Return a line of black text on white, as small as its width needs: (CAPTION, width, 3)."""
    import cv2

    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    needed = cv2.getTextSize(text, font, scale, 1)[0][0]
    scale *= min(1.0, (width - 2 * LINE) / needed)
    line = np.full((CAPTION, width, 3), 255, np.uint8)
    return cv2.putText(line, text, (LINE, CAPTION - 7), font, scale, (0, 0, 0), 1, cv2.LINE_AA)


def caption(result: Result) -> str:
    """Say in a line what was asked for and what was done."""
    if result.refused:
        done = f'refused: {result.refused}'
    else:
        took = result.chosen.replace('_', ' ') or 'nothing'
        done = f'went for {took}, {result.target_error_mm:.0f} mm off'
    scene = f'{result.task} {result.seed}'
    if result.sampler_seed:
        scene += f' noise {result.sampler_seed}'
    return f'{scene}: "{result.instruction}": {done}'
