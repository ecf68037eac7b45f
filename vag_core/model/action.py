"""The action stream: a network over action steps, conditioned on the video's clean estimate."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Discriminator, Tag
from torch import Tensor, nn

from vag_core import flow
from vag_core.configuration import ConfigError, config
from vag_core.model.action_dit import ActionDit, ActionDitConfig
from vag_core.model.bridge import BridgeConfig, make_bridge
from vag_core.model.unet1d import Unet1d, UnetConfig
from vag_core.model.video import Prediction


def _kind(network: Any) -> str:
    """Return which network a mapping or a configuration describes; the U-Net unless it says."""
    return network.get('kind', 'unet') if isinstance(network, Mapping) else network.kind


@config
class ActionConfig:
    """The action stream.

    Attributes:
        dimension: D of the actions.
        network: a U-Net or, with ``kind: dit``, a transformer.
        bridge: what it sees of the video stream.
        prediction: meaning of the network's output.
        guided_bridge: under guidance the bridge sees the guided video estimate, which the sampler
            integrates; otherwise the conditional one, which it was trained on.
        start_state: the joint positions at the first frame are part of the global condition.
        text: so is the mean of the instruction's tokens.
        features: length of each of these two parts.
    """

    dimension: int
    network: Annotated[
        Annotated[UnetConfig, Tag('unet')] | Annotated[ActionDitConfig, Tag('dit')],
        Discriminator(_kind),
    ] = UnetConfig()
    bridge: BridgeConfig = BridgeConfig()
    prediction: Prediction = Prediction.VELOCITY
    guided_bridge: bool = True
    start_state: bool = False
    text: bool = False
    features: int = 64

    def validate(self) -> None:
        """Raise ConfigError without at least one action dimension and one feature."""
        for field in ('dimension', 'features'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')

    def padded_steps(self, steps: int) -> int:
        """Return the smallest number of time steps >= ``steps`` that the network takes."""
        multiple = self.network.step_multiple
        return math.ceil(steps / multiple) * multiple


class ActionStream(nn.Module):
    """Estimate the clean action sequence from a noisy one and the video's clean latent."""

    def __init__(self, cfg: ActionConfig, latent_channels: int, text_dim: int) -> None:
        super().__init__()
        self.cfg = cfg
        self.bridge = make_bridge(cfg.bridge, latent_channels)
        global_dim, aligned_dim = self.bridge.global_dim, self.bridge.aligned_dim
        features = cfg.features
        if cfg.start_state:
            self.embed_state = nn.Sequential(
                nn.Linear(cfg.dimension, features), nn.Mish(), nn.Linear(features, features)
            )
        if cfg.text:
            self.embed_text = nn.Linear(text_dim, features)
        global_dim += features * (cfg.start_state + cfg.text)
        if isinstance(cfg.network, ActionDitConfig):
            self.network = ActionDit(cfg.network, cfg.dimension, global_dim, aligned_dim, text_dim)
        else:
            self.network = Unet1d(cfg.network, cfg.dimension, global_dim, aligned_dim)

    def forward(
        self,
        sample: Tensor,
        times: Tensor,
        video: Tensor,
        text: Tensor | None = None,
        start_state: Tensor | None = None,
    ) -> Tensor:
        """Return the clean estimate.

        Args:
            sample: (B, T, D) at flow times (B,); T a multiple of the network's ``step_multiple``.
            times: (B,), the video stream's or others.
            video: (B, C, T', H, W) clean latent estimate; no gradient flows into it.
            text: (B, L, d) tokens, where the configuration asks for them.
            start_state: (B, D) normalised joint positions, likewise.

        Returns:
            (B, T, D) float32.

        Raises:
            ValueError: a condition that the configuration asks for is missing.
        """
        global_condition, aligned_condition = self.bridge(video, sample.shape[1])
        parts = [] if global_condition is None else [global_condition]
        if self.cfg.start_state:
            parts.append(self.embed_state(_given(start_state, 'start_state')))
        if self.cfg.text:
            parts.append(self.embed_text(mean_token(_given(text, 'text'))))
        conditions = [torch.cat(parts, dim=-1) if parts else None, aligned_condition]
        if isinstance(self.network, ActionDit) and self.network.cfg.cross_attention:
            conditions.append(_given(text, 'text'))
        output = self.network(sample, times, *conditions).float()
        if self.cfg.prediction is Prediction.VELOCITY:
            return flow.clean_estimate(sample, output, times[:, None, None])
        return output


def mean_token(text: Tensor) -> Tensor:
    """Average (B, L, d) tokens over those that are not padding, which is zero, to (B, d)."""
    present = (text != 0).any(dim=-1).sum(dim=1, keepdim=True)
    return text.sum(dim=1) / present.clamp(min=1)


def _given(condition: Tensor | None, name: str) -> Tensor:
    if condition is None:
        raise ValueError(f'{name}: this action stream needs it')
    return condition
