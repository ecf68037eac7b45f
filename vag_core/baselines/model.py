"""The networks that regress the actions of one frame, and the pictures that they take."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from vag_core.baselines.anypos import Anypos, AnyposConfig
from vag_core.baselines.resnet import Resnet, ResnetConfig, Trunk
from vag_core.configuration import ConfigError, config
from vag_core.embodiment import Embodiment
from vag_core.model.image_fit import ImageFit

# Mean and deviation of ImageNet's pixels in [0, 1], which torchvision's weights expect.
PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_STD = (0.229, 0.224, 0.225)
# Convolutions on a CPU are up to twice as fast so.
CHANNELS_LAST = torch.channels_last


@config
class ModelConfig:
    """A network and its pictures.

    Attributes:
        network: which one, and its sizes.
        height, width: pixels that frames are fitted to.
        image_fit: how.
    """

    network: Annotated[ResnetConfig | AnyposConfig, Field(discriminator='kind')]
    height: int = 96
    width: int = 128
    image_fit: ImageFit = ImageFit.STRETCH

    def validate(self) -> None:
        """Raise ConfigError for pictures without pixels."""
        for field in ('height', 'width'):
            if getattr(self, field) < 1:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be at least 1')

    @property
    def frames(self) -> None:
        """It looks at one frame, in episodes of any length."""

    @property
    def dimension(self) -> None:
        """It has that of its data."""


def make_network(cfg: ModelConfig, embodiment: Embodiment) -> Anypos | Resnet:
    """Build the network of a model: (B, 3, H, W) standardised pixels to (B, D) normalised.

    Raises:
        ConfigError: it names other dimensions than the embodiment's.
    """
    if isinstance(cfg.network, AnyposConfig):
        return Anypos(cfg.network, embodiment)
    return Resnet(cfg.network, embodiment.dimension)


def trunks_of(network: Anypos | Resnet) -> list[Trunk]:
    """Return the residual networks in it, which pretrained weights are for."""
    return [network] if isinstance(network, Trunk) else [arm.trunk for arm in network.arms]


def standardise(pixels: Tensor) -> Tensor:
    """Map (B, 3, H, W) uint8 pixels to zero mean and unit deviation, as torchvision does."""
    pixels = pixels.float() / 255
    mean, std = (pixels.new_tensor(v)[:, None, None] for v in (PIXEL_MEAN, PIXEL_STD))
    return ((pixels - mean) / std).contiguous(memory_format=CHANNELS_LAST)
