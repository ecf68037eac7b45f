"""What the training of a reader is told: one YAML file of config/baselines."""

import enum

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vag_core.baselines.augmentation import AugmentationConfig
from vag_core.baselines.model import ModelConfig
from vag_core.configuration import ConfigError, config
from vag_core.train.guard import GuardConfig
from vag_core.train.mirror import MirrorConfig
from vag_core.train.optimisation import StageConfig, check_range
from vag_core.train.recipe import Precision

DTYPES = ('float16', 'bfloat16', 'float32')


class LossKind(enum.Enum):
    """Of the error of a normalised dimension: squared, or squared near 0 and absolute beyond."""

    MSE = 'mse'
    SMOOTH_L1 = 'smooth_l1'


@config
class LossConfig:
    """The loss: the mean over the dimensions, each with its weight.

    Attributes:
        kind: mse or smooth_l1.
        beta: error at which smooth_l1 becomes absolute, in deviations of a dimension.
    """

    kind: LossKind = LossKind.SMOOTH_L1
    beta: float = 1.0

    def validate(self) -> None:
        """Raise ConfigError for a bend that is not positive."""
        if not self.beta > 0:
            raise ConfigError(f'beta = {self.beta}: must be positive')

    def of(self, estimate: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
        """Return the loss of (B, D) normalised actions with weights (D,)."""
        if self.kind is LossKind.MSE:
            error = F.mse_loss(estimate, truth, reduction='none')
        else:
            error = F.smooth_l1_loss(estimate, truth, reduction='none', beta=self.beta)
        return (weights * error).mean()


@config
class ReaderTraining:
    """How a reader is trained; fields as those of :class:`vag_core.train.recipe.Training`.

    Attributes:
        stage: the optimisation.
        loss: what is minimised.
        augmentation: of the frames; None for none.
        mirror, camera, minimum_std, precision, workers: as there.
        save_every, keep, log_every, evaluation, guard: as there.
        checkpoint_dtype: of the final weights on disk.
        measured_episodes: training episodes that are read at the end.
    """

    stage: StageConfig
    loss: LossConfig = LossConfig()
    augmentation: AugmentationConfig | None = AugmentationConfig()
    mirror: MirrorConfig | None = None
    camera: str = 'cam_high'
    minimum_std: float = 0.01
    precision: Precision = Precision.AUTO
    workers: int = 0
    checkpoint_dtype: str = 'float16'
    save_every: int = 500
    keep: int = 2
    log_every: int = 10
    evaluation: str = 'trained, not evaluated'
    measured_episodes: int = 20
    guard: GuardConfig = GuardConfig()

    def validate(self) -> None:
        """Raise ConfigError where a value has no meaning."""
        check_range(self, ('workers', 'log_every'))
        for field in ('save_every', 'keep', 'measured_episodes'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if not self.minimum_std > 0:
            raise ConfigError(f'minimum_std = {self.minimum_std}: must be positive')
        if self.checkpoint_dtype not in DTYPES:
            raise ConfigError(
                f'checkpoint_dtype = {self.checkpoint_dtype!r}: allowed are {", ".join(DTYPES)}'
            )

    @property
    def dtype(self) -> torch.dtype:
        """Of the final weights on disk."""
        return getattr(torch, self.checkpoint_dtype)


@config
class ReaderRecipe:
    """A reader and its training."""

    model: ModelConfig
    training: ReaderTraining
