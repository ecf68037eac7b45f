"""Pictures of a training run: its losses, and actions against the truth."""

from pathlib import Path

import numpy as np

from vag_core.embodiment import Embodiment


def draw_losses(path: Path, losses: dict[str, list[float]], title: str) -> None:
    """Write one PNG with a panel for each part: its loss at every step, and a running mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(losses), 3), layout='constrained')
    for axes, (name, values) in zip(
        np.atleast_1d(figure.subplots(1, len(losses))), losses.items(), strict=True
    ):
        window = max(1, len(values) // 50)
        mean = np.convolve(values, np.ones(window) / window, mode='valid')
        axes.semilogy(np.arange(1, len(values) + 1), values, alpha=0.3)
        axes.semilogy(np.arange(window, len(values) + 1), mean)
        axes.set(title=name, xlabel='step', ylabel='loss')
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def draw_actions(truth: np.ndarray, found: np.ndarray, embodiment: Embodiment) -> np.ndarray:
    """Draw (T, D) demonstrated and generated actions over the steps; (H, W, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(7, embodiment.dimension)
    rows = -(-embodiment.dimension // columns)
    figure = Figure(figsize=(2.4 * columns, 1.8 * rows), layout='constrained')
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axis in axes[embodiment.dimension :]:
        axis.set_axis_off()
    for index, (axis, name) in enumerate(zip(axes, embodiment.dimensions, strict=False)):
        axis.plot(truth[:, index], label='demonstrated')
        axis.plot(found[:, index], '--', label='generated')
        axis.set_title(f'{name} [{embodiment.units[index]}]', fontsize=8)
        axis.tick_params(labelsize=6)
    axes[0].legend(fontsize=6)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
