"""A regressor of one frame after AnyPos (Tan et al. 2025, arXiv 2507.12768): each arm is read by a
network of its own that sees its own part of the picture.

Instead of segmenting the arms it crops the picture at fixed columns, and instead of DINOv2 a small
residual network is trained from scratch (docs/baselines.md).
"""

from typing import Literal

import torch
from torch import Tensor, nn

from vag_core.baselines.direction import DirectionConfig, DirectionHead
from vag_core.baselines.resnet import Trunk, TrunkConfig
from vag_core.configuration import ConfigError, config
from vag_core.embodiment import Embodiment


@config
class ArmConfig:
    """One arm.

    Attributes:
        joints: names of its dimensions, from the base outwards.
        gripper: name of its gripper's; None for none.
        columns: left and right edge of its part of the picture, in shares of the width.
    """

    joints: tuple[str, ...]
    gripper: str | None = None
    columns: tuple[float, float] = (0.0, 1.0)

    def validate(self) -> None:
        """Raise ConfigError without joints, or where the part is empty or outside."""
        if not self.joints:
            raise ConfigError('joints = (): at least one is needed')
        left, right = self.columns
        if not 0 <= left < right <= 1:
            raise ConfigError(f'columns = {self.columns}: need 0 <= left < right <= 1')

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Joints, and the gripper after them."""
        return self.joints if self.gripper is None else (*self.joints, self.gripper)


@config
class AnyposConfig:
    """Networks of all arms.

    Attributes:
        kind: tells it from the other baselines.
        arms: which are read; together they have every dimension of the embodiment once.
        trunk: of each arm's network.
        direction: of each arm's head.
        gripper_width: features of each gripper's head.
        wrist_joints: how many joints, the last ones, belong to the wrist.
        wrist_weight: of their error in the loss; 1 for all others.
    """

    kind: Literal['anypos'] = 'anypos'
    arms: tuple[ArmConfig, ...]
    trunk: TrunkConfig = TrunkConfig(widths=(16, 32, 64), depths=(1, 1, 1), strides=(1, 2, 1))
    direction: DirectionConfig = DirectionConfig()
    gripper_width: int = 16
    wrist_joints: int = 3
    wrist_weight: float = 2.0

    def validate(self) -> None:
        """Raise ConfigError for a dimension that stands twice and for sizes without meaning."""
        names = [name for arm in self.arms for name in arm.dimensions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            raise ConfigError(f'arms: {", ".join(twice)} twice' if twice else 'arms: none')
        if self.gripper_width < 1:
            raise ConfigError(f'gripper_width = {self.gripper_width}: must be at least 1')
        if self.wrist_joints < 0 or not self.wrist_weight > 0:
            raise ConfigError(
                f'wrist_joints = {self.wrist_joints}, wrist_weight = {self.wrist_weight}: must '
                'not be negative, and positive'
            )

    def weights(self, embodiment: Embodiment) -> Tensor:
        """Return the weight of each dimension's error, (D,)."""
        first = {arm.joints: max(0, len(arm.joints) - self.wrist_joints) for arm in self.arms}
        wrists = {name for joints, start in first.items() for name in joints[start:]}
        return torch.tensor(
            [self.wrist_weight if name in wrists else 1.0 for name in embodiment.dimensions]
        )


class GripperHead(nn.Module):
    """Regress one gripper: a 1 x 1 convolution and a linear layer."""

    def __init__(self, features: int, width: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(features, width, 1)
        self.pool = nn.AdaptiveAvgPool2d(pool)
        self.linear = nn.Linear(width * pool[0] * pool[1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, features, H, W) to (B, 1)."""
        return self.linear(self.pool(torch.relu(self.conv(x))).flatten(1))


class ArmReader(nn.Module):
    """Regress the dimensions of one arm from its part of the picture."""

    def __init__(self, cfg: AnyposConfig, arm: ArmConfig) -> None:
        super().__init__()
        self.columns = arm.columns
        features = cfg.trunk.features
        self.trunk = Trunk(cfg.trunk)
        self.joints = DirectionHead(cfg.direction, features, len(arm.joints))
        pool = cfg.direction.pool
        self.gripper = GripperHead(features, cfg.gripper_width, pool) if arm.gripper else None

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, joints and gripper)."""
        left, right = (round(share * pixels.shape[3]) for share in self.columns)
        features = self.trunk(pixels[:, :, :, left:right])
        joints = self.joints(features)
        return joints if self.gripper is None else torch.cat([joints, self.gripper(features)], 1)


class Anypos(nn.Module):
    """Regress D normalised action dimensions of one frame, arm by arm."""

    def __init__(self, cfg: AnyposConfig, embodiment: Embodiment) -> None:
        """Raise ConfigError unless the arms have the embodiment's dimensions."""
        super().__init__()
        names = [name for arm in cfg.arms for name in arm.dimensions]
        wrong = sorted(set(names) ^ set(embodiment.dimensions))
        if wrong:
            raise ConfigError(
                f'network.arms: {", ".join(wrong)}: must be the dimensions of '
                f'{embodiment.name}: {", ".join(embodiment.dimensions)}'
            )
        self.order = [names.index(name) for name in embodiment.dimensions]
        self.arms = nn.ModuleList(ArmReader(cfg, arm) for arm in cfg.arms)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, H, W) standardised pixels to (B, D)."""
        return torch.cat([arm(pixels) for arm in self.arms], dim=1)[:, self.order]
