"""The matrix of a checkpoint's previews, fitted to a few of its demonstrations."""

import torch
from torch import Tensor

from vag_core.model.latent_preview import fit_preview
from vag_core.model.vae import TIME_FACTOR, VideoVae
from vag_core.train.demonstrations import Demonstrations

EPISODES = 4
MOST_FRAMES = 4 * TIME_FACTOR + 1


@torch.no_grad()
def fit_to_demonstrations(vae: VideoVae, data: Demonstrations, device: torch.device) -> Tensor:
    """Return the matrix for this VAE, see :func:`vag_core.model.latent_preview.fit_preview`.

    Args:
        vae: of the checkpoint.
        data: what it is trained on.
        device: to encode on; the VAE stays there.
    """
    parameter = next(vae.to(device).parameters())
    latents, videos = [], []
    for index in torch.linspace(0, len(data) - 1, min(EPISODES, len(data))).round().int().tolist():
        pixels = _thinned(data.video(index)).transpose(0, 1)[None] / 127.5 - 1
        latents.append(vae.encode(pixels.to(parameter)).cpu())
        videos.append(pixels)
    return fit_preview(torch.cat(latents), torch.cat(videos))


def _thinned(frames: Tensor) -> Tensor:
    """Take frames (T, ...) from the whole of a clip, as few as show all that it shows."""
    count = min(len(frames), MOST_FRAMES) - 1
    chosen = torch.linspace(0, len(frames) - 1, count // TIME_FACTOR * TIME_FACTOR + 1)
    return frames[chosen.round().long()]
