"""Pictures of an episode for people: a contact sheet of its frames and a plot of its joints."""

from pathlib import Path

import numpy as np

from vag_core.episode import Episode


def draw_episode(episode: Episode, folder: Path) -> list[Path]:
    """Write ``contact_sheet.png`` and ``joints.png`` into ``folder`` and return their paths."""
    import cv2

    paths = []
    if episode.videos:
        sheet = contact_sheet(episode)
        path = Path(folder) / 'contact_sheet.png'
        cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        paths.append(path)
    path = Path(folder) / 'joints.png'
    plot_joints(episode, path)
    return [*paths, path]


def write_caption(image: np.ndarray, text: str) -> np.ndarray:
    """Return a copy of an (H, W, 3) RGB image with a line of text on a dark strip at its foot."""
    import cv2

    image = np.ascontiguousarray(image).copy()
    height, width = image.shape[:2]
    scale = max(0.3, width / 800)
    (text_width, text_height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    if text_width > width - 4:
        scale *= (width - 4) / text_width
        (_, text_height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    strip = text_height + base + 2
    image[height - strip :] = image[height - strip :] // 4
    cv2.putText(
        image,
        text,
        (2, height - base),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        1,
        cv2.LINE_AA,
    )
    return image


def contact_sheet(
    episode: Episode, columns: int = 6, rows: int = 4, width: int = 240
) -> np.ndarray:
    """Tile evenly spaced frames of every camera under a title; (H, W, 3) uint8 RGB."""
    import cv2

    tiles = []
    for camera, video in sorted(episode.videos.items()):
        chosen = np.unique(np.linspace(0, len(video) - 1, columns * rows).round().astype(int))
        height = round(width * video.shape[1] / video.shape[2])
        cells = []
        for k in chosen:
            cell = cv2.resize(video[k], (width, height), interpolation=cv2.INTER_CUBIC)
            cells.append(write_caption(cell, f'{camera}  {k / episode.fps:.1f} s'))
        cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
        lines = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
        tiles.append(np.vstack(lines))
    title = np.zeros((40, tiles[0].shape[1], 3), np.uint8)
    evaluation = episode.provenance.get('evaluation', '')
    title = write_caption(
        title,
        '   '.join(filter(None, [episode.episode_id, f'"{episode.instruction}"', evaluation])),
    )
    return np.vstack([title, *tiles])


def plot_joints(episode: Episode, path: Path) -> None:
    """Plot every action dimension over time, with the measured states where there are any."""
    from matplotlib.figure import Figure

    names, units = episode.embodiment.dimensions, episode.embodiment.units
    columns = 7 if len(names) > 7 else 4
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.0 * rows + 0.6), layout='constrained')
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    time = np.arange(len(episode.actions)) / episode.fps
    for index, axis in enumerate(axes):
        if index >= len(names):
            axis.set_axis_off()
            continue
        axis.plot(time, episode.actions[:, index], label='action')
        if episode.states is not None and episode.states.shape[1] == len(names):
            axis.plot(time, episode.states[:, index], '--', label='measured')
            axis.legend(fontsize=7)
        axis.set_title(f'{names[index]} [{units[index]}]', fontsize=9)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    evaluation = episode.provenance.get('evaluation', '')
    figure.suptitle(
        f'{episode.episode_id}: {episode.instruction}' + (f' ({evaluation})' * bool(evaluation)),
        fontsize=10,
    )
    figure.supxlabel('time [s]', fontsize=9)
    figure.savefig(path, dpi=110)
