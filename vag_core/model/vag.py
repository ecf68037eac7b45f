"""VAG (arXiv 2604.09330): configuration and module of both streams, the VAE and the text."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config
from vag_core.model.action import ActionConfig, ActionStream
from vag_core.model.image_fit import ImageFit
from vag_core.model.text import TextConfig, make_text
from vag_core.model.vae import SPACE_FACTOR, LightVae, VaeConfig, latent_frames
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
        """Action steps that the U-Net sees; those past ``frames`` are cropped after sampling."""
        return self.action.network.padded_steps(self.frames)


class Vag(nn.Module):
    """The dual stream with its VAE and text encoder; random until weights are loaded."""

    def __init__(self, cfg: VagConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.vae = LightVae(cfg.vae)
        self.text = make_text(cfg.text)
        self.video = VideoStream(cfg.video)
        self.action = ActionStream(cfg.action, cfg.vae.latent_channels)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def encode_text(self, instructions: Sequence[str]) -> Tensor:
        """Map B instructions to (B, L, d) tokens on the model's device."""
        return self.text.encode(instructions).to(self.device)
