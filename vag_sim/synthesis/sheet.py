"""What lies beside a synthesised episode: its replay as a video, and a sheet with both."""

from pathlib import Path

import numpy as np

from vag_core.draw import write_caption
from vag_core.episode import Episode
from vag_core.images import write_mp4
from vag_sim.synthesis.verdict import Judgement

COLUMNS, WIDTH, TITLE = 8, 200, 800


def draw_comparison(
    episode: Episode, film: np.ndarray | None, judgement: Judgement, folder: Path
) -> None:
    """Write ``contact_sheet.png`` and, where there is a ``film``, ``replay.mp4`` into a folder.

    The sheet's upper row is the generated video, the lower one the replay at the same moments.
    """
    import cv2

    (video,) = episode.videos.values()
    rows = [_row(video, 'generated', episode.fps)]
    if film is not None:
        write_mp4(folder / 'replay.mp4', film, episode.fps)
        rows.append(_row(film, 'replayed', episode.fps))
    title = np.zeros((36, rows[0].shape[1], 3), np.uint8)
    verdict = ': '.join(filter(None, [judgement.outcome.value, judgement.reason]))
    if judgement.consistency_db is not None:
        verdict += f'   {judgement.consistency_db:.1f} dB'
    # The size of a caption follows the width of what it is written on.
    title[:, :TITLE] = write_caption(title[:, :TITLE], f'"{episode.instruction}"   {verdict}')
    sheet = np.vstack([title, *rows])
    cv2.imwrite(str(folder / 'contact_sheet.png'), sheet[:, :, ::-1])


def _row(video: np.ndarray, name: str, fps: float) -> np.ndarray:
    import cv2

    height = round(WIDTH * video.shape[1] / video.shape[2])
    chosen = np.linspace(0, len(video) - 1, COLUMNS).round().astype(int)
    cells = [cv2.resize(video[k], (WIDTH, height), interpolation=cv2.INTER_AREA) for k in chosen]
    return np.hstack(
        [
            write_caption(cell, f'{name} {k / fps:.1f} s')
            for cell, k in zip(cells, chosen, strict=True)
        ]
    )
