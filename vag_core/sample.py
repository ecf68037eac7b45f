"""The synchronised sampler: one loop over one time grid for both streams.

At every step the video stream estimates its clean latent, the action stream estimates its clean
actions given that latent, and the solver takes one step of each.
"""

import enum
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vag_core.configuration import ConfigError, config
from vag_core.flow import RHO, SIGMA_MAX, SIGMA_MIN, Grid, Integrator, Solver, time_grid

if TYPE_CHECKING:
    from vag_core.model.vag import Vag


class GuidanceForm(enum.Enum):
    """What the number called guidance multiplies, x0_c with the text and x0_u without.

    ``cosmos``: ``x0_c + g (x0_c - x0_u)``, 0 is none; Cosmos-Predict2's, and diffusers' for it.
    ``standard``: ``x0_u + s (x0_c - x0_u)``, 1 is none; so s = 1 + g.
    """

    COSMOS = 'cosmos'
    STANDARD = 'standard'


@config
class SamplerConfig:
    """How a checkpoint is sampled unless a request says otherwise.

    The defaults are Cosmos-Predict2's. Its pipeline in diffusers is ``grid: diffusers``,
    ``solver: euler``, ``final_clean: false``.

    Attributes:
        steps: solver steps; of diffusers' grid the last one does nothing and is left out.
        guidance: strength of the text, in the sense of ``guidance_form``.
        guidance_form: cosmos or standard.
        solver: euler or ab2.
        grid: official or diffusers.
        final_clean: evaluate the networks once more, at ``sigma_min``, and return their clean
            estimates; otherwise the samples are the result, with that noise left in them.
        sigma_max, sigma_min, rho: the Karras grid.
        negative: instruction of the unconditional branch of guidance; empty for no text, as in
            training with dropped text.
    """

    steps: int = 35
    guidance: float = 7.0
    guidance_form: GuidanceForm = GuidanceForm.COSMOS
    solver: Solver = Solver.AB2
    grid: Grid = Grid.OFFICIAL
    final_clean: bool = True
    sigma_max: float = SIGMA_MAX
    sigma_min: float = SIGMA_MIN
    rho: float = RHO
    negative: str = ''

    def validate(self) -> None:
        """Raise ConfigError for values without meaning."""
        least = 1 if self.grid is Grid.OFFICIAL else 2
        if self.steps < least:
            raise ConfigError(f'steps = {self.steps}: must be at least {least}')
        if not 0 <= self.guidance < math.inf:
            raise ConfigError(f'guidance = {self.guidance}: must be finite and not negative')
        if not 0 < self.sigma_min < self.sigma_max < math.inf:
            raise ConfigError(
                f'sigma_min = {self.sigma_min}, sigma_max = {self.sigma_max}: need 0 < min < max'
            )
        if not 0 < self.rho < math.inf:
            raise ConfigError(f'rho = {self.rho}: must be positive')

    @property
    def extrapolation(self) -> float:
        """Weight g of ``x0_c + g (x0_c - x0_u)``; at 0 no unconditional branch is run."""
        standard = self.guidance_form is GuidanceForm.STANDARD
        return self.guidance - 1 if standard else self.guidance

    @property
    def times(self) -> np.ndarray:
        """Decreasing flow times, at each of which :func:`denoise` yields."""
        return time_grid(self.steps, self.sigma_max, self.sigma_min, self.rho, self.grid)

    @property
    def evaluations(self) -> int:
        """Evaluations of each stream; of the video's twice as many under guidance."""
        return len(self.times) - (not self.final_clean)


class Denoised(NamedTuple):
    """Where the loop stands at one time of the grid.

    Attributes:
        t: flow time.
        video: (B, C, T', h, w) clean estimate, guided if guidance is on; frame 0 is the given one.
        seen: the clean video estimate that the bridge saw.
        actions: (B, padded steps, D) clean estimate; None where the video is sampled alone.
    """

    t: float
    video: Tensor
    seen: Tensor
    actions: Tensor | None


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
    model: 'Vag',
    first: Tensor,
    text: Tensor,
    noise: tuple[Tensor, Tensor | None],
    sampler: SamplerConfig,
    *,
    dropped: Tensor | None = None,
    start_state: Tensor | None = None,
) -> Iterator[Denoised]:
    """Run the dual stream down the time grid.

    Args:
        model: both streams.
        first: (B, C, 1, h, w) clean first latent frame.
        text: (B, L, d) tokens.
        noise: as :func:`draw_noise` returns it; with None for the actions the video stream runs
            alone.
        sampler: steps, guidance, solver and grid.
        dropped: (B, L, d) tokens of the unconditional branch; None for zeros.
        start_state: (B, D) normalised joint positions, where the checkpoint asks for them.

    Yields:
        Once for every time of ``sampler.times``; the last holds the result. Without
        ``final_clean`` that is no estimate but the samples ``x0 + sigma_min e``, and ``seen`` is
        the video.
    """
    times = sampler.times
    video_steps, action_steps = (Integrator(times, sampler.solver) for _ in range(2))
    video, actions = (None if e is None else float(times[0]) * e for e in noise)
    for index, t in enumerate(times[: sampler.evaluations]):
        batch_times = torch.full((len(first),), float(t), device=first.device)
        estimate = model.estimate(
            video,
            actions,
            batch_times,
            first,
            text,
            guidance=sampler.extrapolation,
            dropped=dropped,
            start_state=start_state,
        )
        yield Denoised(float(t), *estimate)
        if index + 1 < len(times):
            video = video_steps.step(index, video, estimate.video)
            if actions is not None:
                actions = action_steps.step(index, actions, estimate.actions)
    if not sampler.final_clean:
        t = float(times[-1])
        video = video / (1 - t)
        yield Denoised(t, video, video, None if actions is None else actions / (1 - t))
