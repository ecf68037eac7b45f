"""Two-way coupling: the video stream sees the noisy actions as further tokens of its text.

The paper's information flows from the video to the actions only (VAG, 2604.09330, limitations).
The action loss stays away from the video stream either way: what it sees here are the noisy
actions, which are data, and the action stream sees the video's estimate detached.
"""

import enum

import torch
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config
from vag_core.model.unet1d import SinusoidalEmbedding, pad_steps


class CouplingKind(enum.Enum):
    """Which stream sees the other."""

    ONE_WAY = 'one_way'
    TWO_WAY = 'two_way'


@config
class CouplingConfig:
    """Whether and how the video stream sees the actions.

    Attributes:
        kind: ``one_way``, as in the paper: it doesn't.
        steps_per_token: action steps in one token; a latent frame has four.
        width: hidden features.
        time_scale: of the time embedding, as in the action stream.
    """

    kind: CouplingKind = CouplingKind.ONE_WAY
    steps_per_token: int = 4
    width: int = 256
    time_scale: float = 1000.0

    def validate(self) -> None:
        """Raise ConfigError for empty sizes."""
        if self.steps_per_token < 1:
            raise ConfigError(f'steps_per_token = {self.steps_per_token}: must be at least 1')
        if self.width < 4 or self.width % 2:
            raise ConfigError(f'width = {self.width}: must be even and at least 4')


class ActionTokens(nn.Module):
    """Project noisy actions, their time and their place to tokens beside those of the text.

    The last layer is zero at first: an untrained token is like the text's zero padding, which
    a pretrained video stream knows.
    """

    def __init__(self, cfg: CouplingConfig, action_dim: int, text_dim: int) -> None:
        super().__init__()
        self.steps = cfg.steps_per_token
        self.embed = nn.Linear(self.steps * action_dim, cfg.width)
        self.time = nn.Sequential(
            SinusoidalEmbedding(cfg.width, cfg.time_scale), nn.Linear(cfg.width, cfg.width)
        )
        self.place = SinusoidalEmbedding(cfg.width, 1.0)
        self.proj = nn.Linear(cfg.width, text_dim)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, actions: Tensor, times: Tensor) -> Tensor:
        """Map (B, T, D) actions at flow times (B,) to (B, ceil(T / steps), text_dim)."""
        count = -(-actions.shape[1] // self.steps)
        groups = pad_steps(actions, count * self.steps).unflatten(1, (count, self.steps))
        x = self.embed(groups.flatten(2)) + self.time(times)[:, None]
        places = torch.arange(count, device=actions.device)
        return self.proj(nn.functional.silu(x + self.place(places).to(x)))
