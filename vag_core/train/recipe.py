"""What a training run is told: the model's sizes and how each part of it is trained."""

import enum

from vag_core.configuration import ConfigError, config
from vag_core.model.vag import VagConfig
from vag_core.train.guard import GuardConfig
from vag_core.train.lora import LoraConfig
from vag_core.train.mirror import MirrorConfig
from vag_core.train.noise import NoiseConfig
from vag_core.train.optimisation import StageConfig, check_range


class LossWeight(enum.Enum):
    """Weight of the squared error of a clean estimate at flow time t.

    ``velocity``: 1 / t^2, which makes it the error of the velocity (Cosmos-Predict2).
    ``clean``: 1, as the VAG paper prints both losses.
    """

    VELOCITY = 'velocity'
    CLEAN = 'clean'


class Tune(enum.Enum):
    """What of the video stream is trained."""

    FROZEN = 'frozen'
    LORA = 'lora'
    FULL = 'full'


class Precision(enum.Enum):
    """What networks compute in; weights, optimiser and averages are float32 always.

    ``auto``: bfloat16 where the device has instructions for it, else float32.
    """

    AUTO = 'auto'
    BF16 = 'bf16'
    FP32 = 'fp32'


class Parallel(enum.Enum):
    """What several processes share: nothing but gradients, or weights too (FSDP2)."""

    DDP = 'ddp'
    FSDP = 'fsdp'


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
        check_range(self, ('kl_weight', 'foreground_weight'))


@config
class VideoLoss:
    """The video stream's loss: mean squared error of the clean latent, clean frames left out.

    Attributes:
        weight: velocity or clean.
        scale: factor on the loss; 10 in Cosmos-Predict2.
        text_dropout: probability of training without the text, for guidance.
        tune: full, lora or, beside the action stream, frozen.
        lora: the adapters, where ``tune`` is lora.
    """

    weight: LossWeight = LossWeight.CLEAN
    scale: float = 1.0
    text_dropout: float = 0.2
    tune: Tune = Tune.FULL
    lora: LoraConfig = LoraConfig()

    def validate(self) -> None:
        """Raise ConfigError for what is no probability or no scale."""
        check_range(self, ('text_dropout',), highest=1)
        if not self.scale > 0:
            raise ConfigError(f'scale = {self.scale}: must be positive')


@config
class ActionLoss:
    """The action stream's loss: mean squared error of the clean actions, padded steps left out.

    Attributes:
        weight: velocity or clean.
        scale: factor on the loss.
        acceleration_weight: of the squared error of the actions' second differences in time.
    """

    weight: LossWeight = LossWeight.CLEAN
    scale: float = 1.0
    acceleration_weight: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        check_range(self, ('acceleration_weight',))
        if not self.scale > 0:
            raise ConfigError(f'scale = {self.scale}: must be positive')


@config
class Thinning:
    """Clips with some of their latent frames left out, which are cheaper to train on.

    The frames that stay keep their places in time; the first one always stays.

    Attributes:
        share: of the steps whose clips are thinned out.
        frames: how many latent frames stay.
    """

    share: float = 0.0
    frames: int = 8

    def validate(self) -> None:
        """Raise ConfigError for what is no share or leaves no generated frame."""
        check_range(self, ('share',), highest=1)
        if self.frames < 2:
            raise ConfigError(f'frames = {self.frames}: must be at least 2')


@config
class VideoTraining:
    """The video stream alone.

    Attributes:
        stage: its optimisation.
        noise: levels, one a clip.
        loss: what is minimised.
        thinning: of the clips.
    """

    stage: StageConfig
    noise: NoiseConfig = NoiseConfig()
    loss: VideoLoss = VideoLoss()
    thinning: Thinning = Thinning()

    def validate(self) -> None:
        """Raise ConfigError where nothing would be trained."""
        if self.loss.tune is Tune.FROZEN:
            raise ConfigError('loss.tune = frozen: leaves nothing to train; allowed: full, lora')


@config
class ActionTraining:
    """The action stream alone, on a video stream that stays as it is.

    It trains on true latents and on the video stream's own estimates at the same noise level,
    because estimates are what it sees when both are sampled.

    Attributes:
        stage: its optimisation.
        noise: levels of samples with true latents and with one-step estimates.
        loss: what is minimised.
        true_share: fraction of samples with true latents.
        estimates: one-step estimates prepared for each episode.
        rollouts: samplings of each episode whose estimates are kept at every time of the grid.
        rollout_steps: steps of these samplings; None for the sampler's own.
    """

    stage: StageConfig
    noise: NoiseConfig = NoiseConfig()
    loss: ActionLoss = ActionLoss()
    true_share: float = 0.3
    estimates: int = 16
    rollouts: int = 1
    rollout_steps: int | None = None

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        check_range(self, ('estimates', 'rollouts'))
        if self.rollout_steps is not None and self.rollout_steps < 1:
            raise ConfigError(f'rollout_steps = {self.rollout_steps}: must be at least 1')
        check_range(self, ('true_share',), highest=1)
        if self.true_share < 1 and not self.estimates + self.rollouts:
            raise ConfigError(
                f'true_share = {self.true_share}: must be 1 without estimates and rollouts'
            )


@config
class JointTraining:
    """Both streams at once (VAG, 2604.09330): the bridge sees the video stream's own clean
    estimate at the sampled noise level, detached.

    Attributes:
        stage: optimisation of both.
        noise: levels.
        independent_noise: the actions have levels of their own; else one for both, as in VAG.
        action_learning_rate: of the action stream; None for the stage's.
        video, action: the losses, which are added.
    """

    stage: StageConfig
    noise: NoiseConfig = NoiseConfig()
    independent_noise: bool = False
    action_learning_rate: float | None = None
    video: VideoLoss = VideoLoss()
    action: ActionLoss = ActionLoss()

    def validate(self) -> None:
        """Raise ConfigError for a learning rate that is not positive."""
        if self.action_learning_rate is not None and not self.action_learning_rate > 0:
            raise ConfigError(
                f'action_learning_rate = {self.action_learning_rate}: must be positive'
            )


@config
class Training:
    """Which parts are trained, in this order, and how a run behaves.

    Attributes:
        camera: key of the video in each episode.
        vae, video, action, joint: the stages; what is left out keeps the weights it starts with.
        mirror: train on the mirror images of two-armed demonstrations too; None for not.
        minimum_std: smallest deviation of the normaliser, in the embodiment's units.
        precision, parallel: see there.
        gradient_checkpointing: compute the video stream's activations twice to keep fewer.
        compile: let torch compile the video stream's blocks, which takes a minute or more at the
            start and needs a C++ compiler; results differ by rounding.
        workers: processes of each training process that prepare samples; 0 for itself.
        cache_dtype: of latents on disk, ``float32`` or ``bfloat16``.
        checkpoint_dtype: of the final weights on disk: ``float16``, ``bfloat16``, ``float32``.
        save_every: steps between states from which a run can be resumed.
        keep: states of a stage that are kept.
        log_every, sample_every: steps between scalars and between generated samples in
            TensorBoard; 0 for none.
        evaluation: what is known of the result's quality, shown wherever its results are.
        measured_episodes: training episodes generated and compared at the end.
        guard: what counts as diverging.
    """

    camera: str = 'cam_high'
    vae: VaeTraining | None = None
    video: VideoTraining | None = None
    action: ActionTraining | None = None
    joint: JointTraining | None = None
    mirror: MirrorConfig | None = None
    minimum_std: float = 0.01
    precision: Precision = Precision.AUTO
    parallel: Parallel = Parallel.DDP
    gradient_checkpointing: bool = False
    compile: bool = False
    workers: int = 0
    cache_dtype: str = 'float32'
    checkpoint_dtype: str = 'float16'
    save_every: int = 200
    keep: int = 2
    log_every: int = 10
    sample_every: int = 0
    evaluation: str = 'trained, not evaluated'
    measured_episodes: int = 20
    guard: GuardConfig = GuardConfig()

    def validate(self) -> None:
        """Raise ConfigError where there is nothing to train or a value has no meaning."""
        if not self.stages:
            raise ConfigError('training: at least one of vae, video, action, joint is needed')
        if self.joint is not None and self.action is not None:
            raise ConfigError('joint: trains the action stream too; leave action out')
        for field in ('workers', 'log_every', 'sample_every', 'measured_episodes'):
            check_range(self, (field,))
        for field in ('save_every', 'keep'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if not self.minimum_std > 0:
            raise ConfigError(f'minimum_std = {self.minimum_std}: must be positive')
        for field, allowed in (
            ('cache_dtype', ('float32', 'bfloat16')),
            ('checkpoint_dtype', ('float16', 'bfloat16', 'float32')),
        ):
            if getattr(self, field) not in allowed:
                raise ConfigError(
                    f'{field} = {getattr(self, field)!r}: allowed are {", ".join(allowed)}'
                )

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, in order."""
        names = ('vae', 'video', 'action', 'joint')
        return tuple(name for name in names if getattr(self, name) is not None)


@config
class Recipe:
    """A model and its training: one YAML file of config/models."""

    model: VagConfig
    training: Training
