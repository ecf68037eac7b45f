"""Draw the losses of a training run."""

from pathlib import Path

import numpy as np


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
