"""The synchronised sampler: one loop over one time grid for both streams.

At every step the video stream estimates its clean latent, the action stream estimates its clean
actions given that latent, and the solver takes one step of each. The estimates at the last time
of the grid are the result.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vag_core.configuration import ConfigError, config
from vag_core.flow import RHO, SIGMA_MAX, SIGMA_MIN, Integrator, Solver, time_grid

if TYPE_CHECKING:
    from vag_core.model.vag import Vag


@config
class SamplerConfig:
    """How a checkpoint is sampled unless a request says otherwise.

    Attributes:
        steps: solver steps; the networks are evaluated once more, at ``sigma_min``, for the
            output.
        guidance: g of ``x0_c + g (x0_c - x0_u)``, Cosmos-Predict2's convention; 0 is no guidance.
        solver: euler or ab2.
        sigma_max, sigma_min, rho: the Karras grid.
    """

    steps: int = 35
    guidance: float = 7.0
    solver: Solver = Solver.AB2
    sigma_max: float = SIGMA_MAX
    sigma_min: float = SIGMA_MIN
    rho: float = RHO

    def validate(self) -> None:
        """Raise ConfigError for values without meaning."""
        if self.steps < 1:
            raise ConfigError(f'steps = {self.steps}: must be at least 1')
        if not self.guidance >= 0:
            raise ConfigError(f'guidance = {self.guidance}: must not be negative')
        if not 0 < self.sigma_min < self.sigma_max:
            raise ConfigError(
                f'sigma_min = {self.sigma_min}, sigma_max = {self.sigma_max}: need 0 < min < max'
            )
        if not self.rho > 0:
            raise ConfigError(f'rho = {self.rho}: must be positive')


def draw_noise(model: 'Vag', seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Draw the noise of each seed: first the video's, then the actions', from a CPU generator.

    So noise depends on the seed alone: not on the device, the batch or the number of threads.

    Returns:
        (B, C, T', h, w) and (B, padded steps, D), on the model's device.
    """
    cfg = model.cfg
    video, actions = [], []
    for seed in seeds:
        generator = torch.Generator('cpu').manual_seed(seed)
        video.append(torch.randn(cfg.vae.latent_channels, *cfg.latent_size, generator=generator))
        actions.append(torch.randn(cfg.padded_steps, cfg.action.dimension, generator=generator))
    return torch.stack(video).to(model.device), torch.stack(actions).to(model.device)


def denoise(
    model: 'Vag', first: Tensor, text: Tensor, noise: tuple[Tensor, Tensor], sampler: SamplerConfig
) -> Iterator[tuple[float, Tensor, Tensor, Tensor]]:
    """Run the dual stream down the time grid.

    Args:
        model: both streams.
        first: (B, C, 1, h, w) clean first latent frame.
        text: (B, L, d) tokens.
        noise: as :func:`draw_noise` returns it.
        sampler: steps, guidance, solver and grid.

    Yields:
        ``steps + 1`` times: the time t, the clean video estimate (B, C, T', h, w), the one of it
        that the bridge saw, and the clean action estimate (B, padded steps, D). The last are the
        result.
    """
    times = time_grid(sampler.steps, sampler.sigma_max, sampler.sigma_min, sampler.rho)
    video_steps, action_steps = (Integrator(times, sampler.solver) for _ in range(2))
    video, actions = (float(times[0]) * sample for sample in noise)
    dropped = torch.zeros_like(text)
    for index, t in enumerate(times):
        batch_times = torch.full((len(first),), float(t), device=first.device)
        conditional = model.video(video, batch_times, first, text)
        guided = conditional
        if sampler.guidance:
            unconditional = model.video(video, batch_times, first, dropped)
            guided = conditional + sampler.guidance * (conditional - unconditional)
        seen = guided if model.cfg.action.guided_bridge else conditional
        clean_actions = model.action(actions, batch_times, seen)
        yield float(t), guided, seen, clean_actions
        if index < sampler.steps:
            video = video_steps.step(index, video, guided)
            actions = action_steps.step(index, actions, clean_actions)
