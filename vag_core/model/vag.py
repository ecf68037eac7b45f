"""VAG (arXiv 2604.09330): configuration and module of both streams, the VAE and the text."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config
from vag_core.model.action import ActionConfig, ActionStream
from vag_core.model.coupling import ActionTokens, CouplingConfig, CouplingKind
from vag_core.model.image_fit import ImageFit
from vag_core.model.text import TextConfig, make_text
from vag_core.model.vae import SPACE_FACTOR, VaeConfig, latent_frames, make_vae
from vag_core.model.video import VideoConfig, VideoStream
from vag_core.sample import SamplerConfig


@config
class VagConfig:
    """The whole model: T frames of H x W pixels and T actions.

    Attributes:
        frames: T; 4n + 1.
        height, width: pixels of the generated video.
        image_fit: how a camera image becomes H x W.
        vae, text, video, action: the parts.
        coupling: whether the video stream sees the actions too.
        sampler: the defaults of generation.
    """

    frames: int = 93
    height: int = 432
    width: int = 768
    image_fit: ImageFit = ImageFit.COVER
    vae: VaeConfig = VaeConfig()
    text: TextConfig = TextConfig()
    video: VideoConfig = VideoConfig()
    action: ActionConfig
    coupling: CouplingConfig = CouplingConfig()
    sampler: SamplerConfig = SamplerConfig()

    def validate(self) -> None:
        """Raise ConfigError where the parts don't fit each other."""
        if self.frames < 5 or (self.frames - 1) % 4:
            raise ConfigError(f'frames = {self.frames}: must be 4n + 1 and at least 5')
        network = self.video.network
        for field, patch in zip(('height', 'width'), network.patch_size[1:], strict=True):
            value, unit = getattr(self, field), SPACE_FACTOR * patch
            if value < 1 or value % unit:
                raise ConfigError(f'{field} = {value}: must be a multiple of {unit}')
        if network.latent_channels != self.vae.latent_channels:
            raise ConfigError(
                f'video.network.latent_channels = {network.latent_channels}: the VAE has '
                f'{self.vae.latent_channels}'
            )
        if network.text_embed_dim != self.text.dim:
            raise ConfigError(
                f'video.network.text_embed_dim = {network.text_embed_dim}: '
                f'the text has {self.text.dim}'
            )
        if any(n > m for n, m in zip(self.latent_size, network.max_size, strict=True)):
            raise ConfigError(
                f'video.network.max_size = {network.max_size}: the latent is {self.latent_size}'
            )
        try:
            self.action.bridge.check_channels(self.vae.latent_channels)
        except ConfigError as error:
            raise ConfigError(f'action.bridge.{error}') from None

    @property
    def dimension(self) -> int:
        """D of the actions."""
        return self.action.dimension

    @property
    def latent_size(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns."""
        return (
            latent_frames(self.frames),
            self.height // SPACE_FACTOR,
            self.width // SPACE_FACTOR,
        )

    @property
    def padded_steps(self) -> int:
        """Action steps that the network sees; those past ``frames`` are cropped after sampling."""
        return self.action.padded_steps(self.frames)


class DualEstimate(NamedTuple):
    """What both streams take for clean at one time.

    Attributes:
        video: (B, C, T', h, w) float32, guided if guidance is on; frame 0 is the given one.
        seen: the one that the bridge saw: ``video``, or the conditional estimate.
        actions: (B, T, D) float32, normalised; None where the video runs alone.
    """

    video: Tensor
    seen: Tensor
    actions: Tensor | None


def make_action(cfg: VagConfig) -> ActionStream:
    """Build the action stream of a model."""
    return ActionStream(cfg.action, cfg.vae.latent_channels, cfg.text.dim)


def make_coupling(cfg: VagConfig) -> ActionTokens | None:
    """Build what shows the actions to the video stream; None where it doesn't see them."""
    if cfg.coupling.kind is CouplingKind.ONE_WAY:
        return None
    return ActionTokens(cfg.coupling, cfg.action.dimension, cfg.text.dim)


class Vag(nn.Module):
    """The dual stream with its VAE and text encoder; random until weights are loaded."""

    def __init__(self, cfg: VagConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.vae = make_vae(cfg.vae)
        self.text = make_text(cfg.text)
        self.video = VideoStream(cfg.video)
        self.action = make_action(cfg)
        self.coupling = make_coupling(cfg)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def encode_text(self, instructions: Sequence[str]) -> Tensor:
        """Map B instructions to (B, L, d) tokens on the model's device."""
        return self.text.encode(instructions).to(self.device)

    def estimate(
        self,
        video: Tensor,
        actions: Tensor | None,
        times: Tensor,
        first: Tensor,
        text: Tensor,
        *,
        guidance: float = 0.0,
        dropped: Tensor | None = None,
        start_state: Tensor | None = None,
        action_times: Tensor | None = None,
    ) -> DualEstimate:
        """Let both streams estimate their clean samples: one step of sampling, or of training.

        Args:
            video: (B, C, T', h, w) noisy latent at flow times (B,); its frame 0 is ignored.
            actions: (B, padded steps, D) noisy, normalised; None for the video stream alone.
            times: (B,) of both streams.
            first: (B, C, 1, h, w) clean first latent frame.
            text: (B, L, d) tokens.
            guidance: g of ``x0_c + g (x0_c - x0_u)``; 0 runs no unconditional branch.
            dropped: (B, L, d) tokens of the unconditional branch; None for zeros.
            start_state: (B, D) normalised joint positions, where the action stream asks for them.
            action_times: (B,) of the actions, where they have noise levels of their own.
        """
        action_times = times if action_times is None else action_times
        coupled = {'actions': actions, 'action_times': action_times}
        conditional = self.estimate_video(video, times, first, text, **coupled)
        guided = conditional
        if guidance:
            # Guidance is in the text alone: the image and, coupled both ways, the actions stay.
            dropped = torch.zeros_like(text) if dropped is None else dropped
            other = self.estimate_video(video, times, first, dropped, **coupled)
            guided = conditional + guidance * (conditional - other)
        seen = guided if self.cfg.action.guided_bridge else conditional
        if actions is None:
            return DualEstimate(guided, seen, None)
        clean = self.action(actions, action_times, seen, text, start_state)
        return DualEstimate(guided, seen, clean)

    def estimate_video(
        self,
        video: Tensor,
        times: Tensor,
        first: Tensor,
        text: Tensor,
        *,
        actions: Tensor | None = None,
        action_times: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Return the video stream's estimate; arguments as those of :meth:`estimate`.

        ``places`` (T',) are those of the latent frames in the clip, where it was thinned out.

        Raises:
            ValueError: it is coupled to the actions and there are none.
        """
        if self.coupling is not None:
            if actions is None or action_times is None:
                raise ValueError('actions: the video stream is coupled both ways and needs them')
            text = torch.cat([text, self.coupling(actions, action_times).to(text.dtype)], dim=1)
        return self.video(video, times, first, text, places)
