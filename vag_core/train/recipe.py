"""What a training run is told: the model's sizes and how each of its three parts is trained."""

import math

from vag_core.configuration import ConfigError, config
from vag_core.model.vag import VagConfig


def _check_range(cfg: object, fields: tuple[str, ...], highest: float = math.inf) -> None:
    """Raise ConfigError for a field outside 0 to ``highest``."""
    for field in fields:
        value = getattr(cfg, field)
        if not 0 <= value <= highest:
            raise ConfigError(f'{field} = {value}: must lie in [0, {highest}]')


@config
class NoiseConfig:
    """Distribution of training noise levels.

    Sigma is log-normal, so that t is the sigmoid of a normal variable; a share of the samples is
    uniform at the high end, where a prediction is decided. Cosmos-Predict2 post-trains with mean
    ln sqrt(24) = 1.589 and std 1.

    Attributes:
        mean, std: of ln sigma.
        high_share: fraction drawn uniformly from [high_from, 1).
        high_from: flow time.
    """

    mean: float = 1.589
    std: float = 1.0
    high_share: float = 0.0
    high_from: float = 0.95

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        if not self.std > 0:
            raise ConfigError(f'std = {self.std}: must be positive')
        _check_range(self, ('high_share', 'high_from'), highest=1)


@config
class StageConfig:
    """Optimisation of one part.

    Attributes:
        steps, batch: optimiser steps and samples in each.
        learning_rate: peak, after a linear warm-up over ``warmup`` steps; cosine to zero follows.
        weight_decay: of AdamW.
        ema: decay of the averaged weights that are kept, 0 for none.
    """

    steps: int
    batch: int
    learning_rate: float
    warmup: int = 50
    weight_decay: float = 0.01
    ema: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        for field in ('steps', 'batch', 'warmup'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if not self.learning_rate > 0:
            raise ConfigError(f'learning_rate = {self.learning_rate}: must be positive')
        if not self.weight_decay >= 0:
            raise ConfigError(f'weight_decay = {self.weight_decay}: must not be negative')
        if not 0 <= self.ema < 1:
            raise ConfigError(f'ema = {self.ema}: must lie in [0, 1)')


@config
class VaeTraining:
    """The VAE's loss.

    Attributes:
        stage: its optimisation.
        kl_weight: of the divergence from a standard normal, per latent value.
        foreground_weight: extra weight of pixels that differ from the median of all episodes.
    """

    stage: StageConfig
    kl_weight: float = 1e-4
    foreground_weight: float = 4.0

    def validate(self) -> None:
        """Raise ConfigError for negative weights."""
        _check_range(self, ('kl_weight', 'foreground_weight'))


@config
class VideoTraining:
    """The video stream's loss: mean squared error of the clean latent, clean frames left out.

    Attributes:
        stage: its optimisation.
        noise: levels, one a clip.
        velocity_loss: weight the error by 1 / t^2, which is the velocity's; else by 1, as in VAG.
        text_dropout: probability of training without the text, for guidance.
    """

    stage: StageConfig
    noise: NoiseConfig = NoiseConfig()
    velocity_loss: bool = False
    text_dropout: float = 0.2

    def validate(self) -> None:
        """Raise ConfigError for what is no probability."""
        _check_range(self, ('text_dropout',), highest=1)


@config
class ActionTraining:
    """The action stream's loss: mean squared error of the clean actions, padded steps left out.

    It trains on true latents and on the video stream's own estimates at the same noise level,
    because estimates are what it sees when both are sampled.

    Attributes:
        stage: its optimisation.
        noise: levels of samples with true latents and with one-step estimates.
        velocity_loss: as in :class:`VideoTraining`.
        acceleration_weight: of the squared error of the actions' second differences in time.
        true_share: fraction of samples with true latents.
        estimates: one-step estimates prepared for each episode.
        rollouts: samplings of each episode whose estimates are kept at every time of the grid.
        minimum_std: smallest deviation of the normaliser, in the embodiment's units.
    """

    stage: StageConfig
    noise: NoiseConfig = NoiseConfig()
    velocity_loss: bool = False
    acceleration_weight: float = 0.0
    true_share: float = 0.3
    estimates: int = 16
    rollouts: int = 1
    minimum_std: float = 0.01

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        _check_range(self, ('acceleration_weight', 'estimates', 'rollouts'))
        _check_range(self, ('true_share',), highest=1)
        if not self.minimum_std > 0:
            raise ConfigError(f'minimum_std = {self.minimum_std}: must be positive')
        if self.true_share < 1 and not self.estimates + self.rollouts:
            raise ConfigError(
                f'true_share = {self.true_share}: must be 1 without estimates and rollouts'
            )


@config
class Training:
    """The three parts, in order, and what they are trained on.

    Attributes:
        camera: key of the video in each episode.
        vae, video, action: the parts.
    """

    camera: str = 'cam_high'
    vae: VaeTraining
    video: VideoTraining
    action: ActionTraining


@config
class Recipe:
    """A model and its training: one YAML file of config/models."""

    model: VagConfig
    training: Training
