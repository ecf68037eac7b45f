"""The action stream of a VAG checkpoint, run after the video is finished instead of beside it.

The same weights, noise, time grid and solver as in synchronous generation; only what the bridge
sees differs: at every step the finished video, in place of the video stream's estimate at that
step. So a difference in the actions is due to synchrony alone.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vag_core.checkpoint import Checkpoint
from vag_core.generate import start_states
from vag_core.model.image_fit import fit_image, to_unit_range
from vag_core.model.vag import DualEstimate, Vag
from vag_core.sample import SamplerConfig, denoise, draw_noise


@dataclass(frozen=True, eq=False)
class _Finished:
    """A model as the sampler sees it, whose video estimate is ``latent`` at every time."""

    model: Vag
    latent: Tensor

    def estimate(
        self,
        video: Tensor,
        actions: Tensor,
        times: Tensor,
        first: Tensor,
        text: Tensor,
        *,
        start_state: Tensor | None,
        **guidance: object,
    ) -> DualEstimate:
        """Let the action stream alone estimate."""
        clean = self.model.action(actions, times, self.latent, text, start_state)
        return DualEstimate(self.latent, self.latent, clean)


def actions_after_video(
    model: Vag,
    latent: Tensor,
    text: Tensor,
    noise: Tensor,
    sampler: SamplerConfig,
    *,
    start_state: Tensor | None = None,
) -> Tensor:
    """Sample the actions of finished videos.

    Args:
        model: whose action stream it is.
        latent: (B, C, T', h, w) finished clean latent videos.
        text: (B, L, d) tokens.
        noise: (B, padded steps, D), as :func:`vag_core.sample.draw_noise` returns it.
        sampler: steps, solver and grid; guidance has no part in it.
        start_state: (B, D) normalised joint positions, where the checkpoint asks for them.

    Returns:
        (B, padded steps, D) normalised actions.
    """
    finished = _Finished(model, latent)
    both = torch.zeros_like(latent), noise
    *_, last = denoise(finished, latent[:, :, :1], text, both, sampler, start_state=start_state)
    return last.actions


@dataclass(frozen=True, eq=False)
class AfterVideoReader:
    """An :class:`vag_core.baselines.reader.ActionReader` of one scene: encodes its frames and
    lets the action stream of a checkpoint follow them.

    Attributes:
        checkpoint: whose VAE and action stream it uses.
        instruction: what the robot shall do.
        seed: of the noise, as in :class:`vag_core.generate.Request`.
        start_state: (D,) joint positions at the first frame, in units, where the checkpoint asks
            for them.
    """

    checkpoint: Checkpoint
    instruction: str
    seed: int = 0
    start_state: np.ndarray | None = None

    @property
    def name(self) -> str:
        """What tables call it."""
        return f'{self.checkpoint.name} after video'

    @torch.inference_mode()
    def read(self, video: np.ndarray) -> np.ndarray:
        """Map (T, H, W, 3) uint8 RGB frames to (T, D) float32 in units; T is the checkpoint's.

        Raises:
            ValueError: the video has another length, or the start state that the checkpoint asks
                for is missing or of another length.
        """
        model, cfg = self.checkpoint.model, self.checkpoint.model.cfg
        if len(video) != cfg.frames:
            raise ValueError(
                f'video: {len(video)} frames, checkpoint {self.checkpoint.name} has {cfg.frames}'
            )
        fitted = np.stack([fit_image(f, cfg.height, cfg.width, cfg.image_fit) for f in video])
        pixels = to_unit_range(fitted)[None].transpose(1, 2)
        return self._follow(model.vae.encode(pixels.to(model.device)).float())

    @torch.inference_mode()
    def read_latent(self, latent: np.ndarray) -> np.ndarray:
        """Do the same with a video that was never decoded, as ``Generated.latent`` holds it.

        Args:
            latent: (C, T', h, w).

        Raises:
            ValueError: its shape is not the checkpoint's; or the start state, as in :meth:`read`.
        """
        model, cfg = self.checkpoint.model, self.checkpoint.model.cfg
        expected = cfg.vae.latent_channels, *cfg.latent_size
        if latent.shape != expected:
            raise ValueError(
                f'latent: shape {latent.shape}, checkpoint {self.checkpoint.name} has {expected}'
            )
        return self._follow(torch.from_numpy(latent)[None].to(model.device).float())

    def _follow(self, latent: Tensor) -> np.ndarray:
        model, cfg = self.checkpoint.model, self.checkpoint.model.cfg
        start = start_states(self.checkpoint, [self.start_state])
        text = model.encode_text([self.instruction])
        noise = draw_noise(model, [self.seed])[1]
        actions = actions_after_video(model, latent, text, noise, cfg.sampler, start_state=start)
        return self.checkpoint.normaliser.restore(actions[0, : cfg.frames].float().cpu().numpy())
