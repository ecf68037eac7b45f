"""The network: convolutions told what to look for by the sentence, positions, a chunk of actions.

A plain regressor: no latent variable as ACT has, one head, mean absolute error.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from vag_core.policy.config import PolicyConfig

GROUPS = 8


class Modulated(nn.Module):
    """A convolution, group normalisation and a scale and shift that come from the sentence."""

    def __init__(self, channels: int, out: int, text: int, size: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, out, size, stride, size // 2, bias=False)
        self.norm = nn.GroupNorm(min(GROUPS, out), out)
        self.film = nn.Linear(text, 2 * out)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        """Map (B, C, H, W) and (B, F) to (B, out, H / stride, W / stride)."""
        scale, shift = self.film(text)[:, :, None, None].chunk(2, dim=1)
        return functional.relu(self.norm(self.convolution(x)) * (1 + scale) + shift)


class SpatialSoftmax(nn.Module):
    """Mean position of each of N learned maps, in [-1, 1] (Levine et al., JMLR 2016)."""

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__()
        self.maps = nn.Conv2d(channels, maps, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 2 N) float32, all x before all y."""
        logits = self.maps(x).float()
        height, width = logits.shape[-2:]
        share = logits.flatten(2).softmax(dim=-1).unflatten(2, (height, width))
        across = torch.linspace(-1, 1, width, device=x.device)
        down = torch.linspace(-1, 1, height, device=x.device)
        return torch.cat([share.sum(2) @ across, share.sum(3) @ down], dim=1)


class BehaviourCloning(nn.Module):
    """Maps what is seen, felt and said to the next actions, all normalised."""

    def __init__(self, cfg: PolicyConfig) -> None:
        super().__init__()
        self.cfg = cfg
        text, action, last = cfg.text_features, cfg.action, cfg.widths[-1]
        self.text = nn.Sequential(nn.Linear(cfg.text.dim, text), nn.ReLU())
        ends = [3, *cfg.widths]
        halving = len(cfg.widths) - 1 or 1
        self.stages = nn.ModuleList(
            Modulated(a, b, text, 5 if k == 0 else 3, 2 if k < halving else 1)
            for k, (a, b) in enumerate(pairwise(ends))
        )
        self.blocks = nn.ModuleList(Modulated(last, last, text, 3, 1) for _ in range(cfg.blocks))
        self.positions = SpatialSoftmax(last, cfg.keypoints)
        self.head = nn.Sequential(
            nn.Linear(2 * cfg.keypoints + action.dimension + text, cfg.hidden),
            nn.ReLU(),
            nn.Linear(cfg.hidden, cfg.hidden),
            nn.ReLU(),
            nn.Linear(cfg.hidden, action.chunk * action.dimension),
        )

    def forward(self, image: Tensor, state: Tensor, sentence: Tensor) -> Tensor:
        """Predict the chunk.

        Args:
            image: (B, 3, H, W) uint8 RGB.
            state: (B, D) normalised.
            sentence: (B, d), see :func:`sentence_features`.

        Returns:
            (B, chunk, D) float32.
        """
        text = self.text(sentence)
        x = (image.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(x, text)
        for block in self.blocks:
            x = x + block(x, text)
        features = torch.cat([self.positions(x), state, text.float()], dim=1)
        chunk = self.head(features).float()
        return chunk.unflatten(1, (self.cfg.action.chunk, self.cfg.action.dimension))


def sentence_features(tokens: Tensor) -> Tensor:
    """Average the tokens of each sentence: (B, L, d) to (B, d); zeros are padding."""
    used = (tokens != 0).any(dim=-1, keepdim=True).sum(dim=1).clamp(min=1)
    return tokens.sum(dim=1) / used
