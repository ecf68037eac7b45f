"""Residual networks (He et al. 2016) under torchvision's parameter names.

So a state dict of torchvision's ``resnet18`` to ``resnet152`` fits a configuration of their size:
widths 64, 128, 256, 512, in ``bottleneck`` blocks depths such as 3, 4, 6, 3.
"""

import enum
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config
from vag_core.embodiment import Embodiment
from vag_core.model.weights import WeightsError, differences, read_weights

# A bottleneck ends four times as wide as it computes.
EXPANSION = 4


class Block(enum.Enum):
    """Residual blocks: two 3 x 3 convolutions, or 1 x 1, 3 x 3 and 1 x 1."""

    BASIC = 'basic'
    BOTTLENECK = 'bottleneck'


@config
class TrunkConfig:
    """A residual network without its last layer. After a stem of stride 4 there is a stage for
    each width.

    Attributes:
        widths: features of each stage.
        depths: blocks of each stage.
        strides: of each stage.
        block: basic or bottleneck.
        stem: features of the stem; None for those of the first stage.
    """

    widths: tuple[int, ...] = (16, 32, 96, 288)
    depths: tuple[int, ...] = (2, 2, 2, 2)
    strides: tuple[int, ...] = (1, 2, 2, 2)
    block: Block = Block.BASIC
    stem: int | None = None

    def validate(self) -> None:
        """Raise ConfigError unless every stage has a width, a depth and a stride."""
        for field in ('widths', 'depths', 'strides'):
            values = getattr(self, field)
            if len(values) != len(self.widths) or not values or min(values) < 1:
                raise ConfigError(
                    f'{field} = {values}: must be positive, one for each of '
                    f'{len(self.widths)} stages'
                )
        if self.stem is not None and self.stem < 1:
            raise ConfigError(f'stem = {self.stem}: must be at least 1')

    @property
    def features(self) -> int:
        """Features of the last stage."""
        return self.widths[-1] * (EXPANSION if self.block is Block.BOTTLENECK else 1)


@config
class ResnetConfig:
    """A residual network that regresses the actions of one frame.

    Attributes:
        kind: tells it from the other baselines.
        trunk: all but the last layer.
        pool: rows and columns to which its features are averaged; 1, 1 is torchvision's. More of
            them tell the last layer where in the picture something is.
    """

    kind: Literal['resnet'] = 'resnet'
    trunk: TrunkConfig = TrunkConfig()
    pool: tuple[int, int] = (1, 1)

    def validate(self) -> None:
        """Raise ConfigError for a pool without cells."""
        if min(self.pool) < 1:
            raise ConfigError(f'pool = {self.pool}: both must be at least 1')

    def weights(self, embodiment: Embodiment) -> Tensor:
        """Return the weight of each dimension's error, (D,): all the same."""
        return torch.ones(embodiment.dimension)


class BasicBlock(nn.Module):
    """``relu(conv(relu(conv(x))) + shortcut(x))``."""

    def __init__(self, features: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(features, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, features, H, W) to (B, width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """The same around a narrower 3 x 3 convolution, which has the stride."""

    def __init__(self, features: int, width: int, stride: int) -> None:
        super().__init__()
        out = EXPANSION * width
        self.conv1 = nn.Conv2d(features, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(features, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, features, H, W) to (B, 4 width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(features: int, out: int, stride: int) -> nn.Module | None:
    if stride == 1 and features == out:
        return None
    return nn.Sequential(nn.Conv2d(features, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class Trunk(nn.Module):
    """Stem and stages: (B, 3, H, W) to (B, features, h, w)."""

    def __init__(self, cfg: TrunkConfig) -> None:
        super().__init__()
        stem = cfg.stem or cfg.widths[0]
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self._stages = [f'layer{number}' for number in range(1, len(cfg.widths) + 1)]
        make = {Block.BASIC: BasicBlock, Block.BOTTLENECK: Bottleneck}[cfg.block]
        expansion = cfg.features // cfg.widths[-1]
        features = stem
        sizes = zip(cfg.widths, cfg.depths, cfg.strides, strict=True)
        for name, (width, depth, stride) in zip(self._stages, sizes, strict=True):
            blocks = [make(features, width, stride)]
            features = expansion * width
            blocks += [make(features, width, 1) for _ in range(depth - 1)]
            setattr(self, name, nn.Sequential(*blocks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def features(self, pixels: Tensor) -> Tensor:
        """Return the features of the last stage."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(pixels))))
        for name in self._stages:
            x = getattr(self, name)(x)
        return x

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features of the last stage."""
        return self.features(pixels)


class Resnet(Trunk):
    """Regress D normalised action dimensions of one frame from its averaged features."""

    def __init__(self, cfg: ResnetConfig, dimension: int) -> None:
        super().__init__(cfg.trunk)
        self.avgpool = nn.AdaptiveAvgPool2d(cfg.pool)
        self.fc = nn.Linear(cfg.trunk.features * cfg.pool[0] * cfg.pool[1], dimension)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, H, W) standardised pixels to (B, D)."""
        return self.fc(self.avgpool(self.features(pixels)).flatten(1))


def load_pretrained(network: Trunk, path: Path) -> None:
    """Take everything but the last layer from a state dict of torchvision's.

    Args:
        network: of the same size.
        path: ``.safetensors``, ``.pt`` or ``.pth``.

    Raises:
        WeightsError: the file is broken, or what it holds does not fit; each key is named.
    """
    found = {k: v for k, v in read_weights(path).items() if not k.startswith('fc.')}
    wanted = {k: v for k, v in network.state_dict().items() if not k.startswith('fc.')}
    wrong = differences(wanted, found)
    if wrong:
        raise WeightsError(f'{path}: ' + '; '.join(wrong))
    network.load_state_dict(found, strict=False)
