"""Noise levels of training samples."""

import torch
from torch import Tensor

from vag_core import flow
from vag_core.configuration import ConfigError, config
from vag_core.train.optimisation import check_range

# Keeps t below 1, where sigma is infinite: Cosmos-Predict2's largest training sigma is 1e5.
MAXIMUM_TIME = 1 - 1e-5


@config
class NoiseConfig:
    """Distribution of training noise levels; the defaults are Cosmos-Predict2's.

    Sigma is log-normal, so that t is the sigmoid of a normal variable. Two tails can be mixed in.

    Attributes:
        mean, std: of ln sigma; a mean of None is ln sqrt(latent frames), 1.589 for 24.
        high_share: fraction with t uniform in [high_from, 1), where a small model's prediction
            is decided.
        high_from: flow time.
        extreme_share: fraction with sigma log-uniform in [200, 1e5].
    """

    mean: float | None = None
    std: float = 1.0
    high_share: float = 0.0
    high_from: float = 0.95
    extreme_share: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        if not self.std > 0:
            raise ConfigError(f'std = {self.std}: must be positive')
        check_range(self, ('high_share', 'high_from', 'extreme_share'), highest=1)
        if self.high_share + self.extreme_share > 1:
            raise ConfigError(
                f'extreme_share = {self.extreme_share}: with high_share = {self.high_share} '
                'more than 1'
            )


def sample_times(
    cfg: NoiseConfig, count: int, latent_frames: int, generator: torch.Generator
) -> Tensor:
    """Draw (count,) float32 flow times for clips of ``latent_frames``."""
    normal = torch.randn(count, generator=generator, dtype=torch.float64)
    uniform, choice = torch.rand(2, count, generator=generator, dtype=torch.float64)
    if cfg.mean is None:
        sigmas = flow.lognormal_sigmas(normal, 0.0, cfg.std, latent_frames)
    else:
        sigmas = flow.lognormal_sigmas(normal, cfg.mean, cfg.std)
    times = flow.sigma_to_t(sigmas)
    high = cfg.high_from + (1 - cfg.high_from) * uniform
    times = torch.where(choice < cfg.high_share, high, times)
    extreme = flow.sigma_to_t(flow.loguniform_sigmas(uniform))
    times = torch.where(choice >= 1 - cfg.extreme_share, extreme, times)
    return times.clamp(max=MAXIMUM_TIME).float()
