"""Noise levels of training samples."""

import torch
from torch import Tensor

from vag_core.train.recipe import NoiseConfig

# Keeps t below 1, where sigma is infinite; well above the sampler's first time 0.98765.
MAXIMUM_TIME = 0.9999


def sample_times(cfg: NoiseConfig, count: int, generator: torch.Generator) -> Tensor:
    """Draw (count,) flow times."""
    times = torch.sigmoid(cfg.mean + cfg.std * torch.randn(count, generator=generator))
    uniform = cfg.high_from + (1 - cfg.high_from) * torch.rand(count, generator=generator)
    high = torch.rand(count, generator=generator) < cfg.high_share
    return torch.where(high, uniform, times).clamp(max=MAXIMUM_TIME)
