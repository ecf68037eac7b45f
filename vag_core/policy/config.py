"""Sizes of a policy, and how it is trained: one YAML file of config/policies."""

from vag_core.configuration import ConfigError, config
from vag_core.model.image_fit import ImageFit
from vag_core.model.text import TextConfig, TextKind
from vag_core.train.guard import GuardConfig
from vag_core.train.optimisation import StageConfig, check_range
from vag_core.train.recipe import Precision


@config
class ChunkConfig:
    """The actions that a policy predicts at once (action chunking: ACT, arXiv 2304.13705).

    Attributes:
        dimension: of one action.
        chunk: future actions predicted; the first one is due one step after the picture.
        execute: of them that are carried out before the policy looks again.
        relative: predict the difference to the present joint state.
    """

    dimension: int = 14
    chunk: int = 16
    execute: int = 8
    relative: bool = True

    def validate(self) -> None:
        """Raise ConfigError for empty sizes and for more steps than are predicted."""
        for field in ('dimension', 'chunk', 'execute'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if self.execute > self.chunk:
            raise ConfigError(
                f'execute = {self.execute}: no more than chunk = {self.chunk} are predicted'
            )


@config
class PolicyConfig:
    """Sizes of the network.

    Attributes:
        height, width, image_fit: the picture that it sees.
        action: the chunk.
        text: the sentence encoder; its tokens are averaged.
        widths: channels of the stages, each of which but the last halves the picture.
        blocks: residual blocks in the last stage.
        keypoints: learned maps of which the mean position is read (spatial softmax, Levine et
            al. 2016).
        text_features, hidden: widths of what is made of the sentence, and of the head.
    """

    height: int = 96
    width: int = 128
    image_fit: ImageFit = ImageFit.STRETCH
    action: ChunkConfig = ChunkConfig()
    text: TextConfig = TextConfig(kind=TextKind.SENTENCE, dim=384, length=32)
    widths: tuple[int, ...] = (24, 48, 96)
    blocks: int = 1
    keypoints: int = 64
    text_features: int = 64
    hidden: int = 768

    @property
    def frames(self) -> None:
        """Episodes may have any length, as long as it is the same."""

    @property
    def dimension(self) -> int:
        """Dimensions of an action."""
        return self.action.dimension

    def validate(self) -> None:
        """Raise ConfigError for empty sizes and for a picture that can't be halved so often."""
        for field in ('blocks', 'keypoints', 'text_features', 'hidden'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if not self.widths or any(width < 1 for width in self.widths):
            raise ConfigError(f'widths = {self.widths}: must be one or more positive numbers')
        step = 2 ** max(1, len(self.widths) - 1)
        for field in ('height', 'width'):
            if getattr(self, field) < step or getattr(self, field) % step:
                raise ConfigError(
                    f'{field} = {getattr(self, field)}: must be a multiple of {step}'
                )


@config
class PolicyTraining:
    """How a policy is trained: the mean absolute error of normalised actions.

    Attributes:
        stage: its optimisation.
        camera: key of the video in each episode.
        minimum_std: smallest deviation of the normalisers, in the embodiment's units.
        state_noise: standard deviation of noise on the state that the network sees, as a share of
            the states' own.
        precision: what the network computes in.
        workers: processes that prepare samples; 0 for the training process itself.
        save_every, keep: steps between states to resume from, and how many of them are kept.
        guard: what counts as diverging.
    """

    stage: StageConfig
    camera: str = 'cam_high'
    minimum_std: float = 0.02
    state_noise: float = 0.05
    precision: Precision = Precision.FP32
    workers: int = 0
    save_every: int = 250
    keep: int = 1
    guard: GuardConfig = GuardConfig()

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        check_range(self, ('state_noise', 'workers'))
        for field in ('save_every', 'keep'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')
        if not self.minimum_std > 0:
            raise ConfigError(f'minimum_std = {self.minimum_std}: must be positive')


@config
class PolicyRecipe:
    """A policy and its training."""

    model: PolicyConfig = PolicyConfig()
    training: PolicyTraining
