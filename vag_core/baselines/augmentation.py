"""Mild changes of a frame that leave its action as it is: generated frames are softer than real
ones, and their light is a little off."""

import numpy as np
import torch

from vag_core.configuration import config
from vag_core.train.optimisation import check_range


@config
class AugmentationConfig:
    """Largest changes; each frame gets others, from none to these.

    Attributes:
        brightness: added to pixels in [0, 1], up or down.
        contrast: relative change of the distance from the frame's mean, up or down.
        blur: deviation of a Gaussian, in pixels of the model's size.
        noise: deviation of white noise on pixels in [0, 1].
    """

    brightness: float = 0.06
    contrast: float = 0.15
    blur: float = 1.2
    noise: float = 0.03

    def validate(self) -> None:
        """Raise ConfigError outside the meaningful ranges."""
        check_range(self, ('brightness', 'contrast', 'noise'), highest=1)
        check_range(self, ('blur',))


def augment(frame: np.ndarray, cfg: AugmentationConfig, generator: torch.Generator) -> np.ndarray:
    """Change one (H, W, 3) uint8 frame."""
    import cv2

    draws = torch.rand(4, generator=generator, dtype=torch.float64)
    draws[:2] = 2 * draws[:2] - 1
    largest = (cfg.brightness, cfg.contrast, cfg.blur, cfg.noise)
    brightness, contrast, blur, noise = (draws * torch.tensor(largest)).tolist()
    if blur > 0:
        # Reflected like that a border stays as bright as it is.
        frame = cv2.GaussianBlur(frame, (0, 0), blur, borderType=cv2.BORDER_REFLECT)
    values = frame.astype(np.float32)
    mean = values.mean()
    values = (values - mean) * np.float32(1 + contrast) + (mean + np.float32(255 * brightness))
    if noise > 0:
        values += np.float32(255 * noise) * torch.randn(frame.shape, generator=generator).numpy()
    return values.round().clip(0, 255).astype(np.uint8)
