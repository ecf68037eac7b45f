"""A direction-aware head: features of an arm at several scales, where they lie, and at several
angles.

After AnyPos's decoder (Tan et al. 2025, arXiv 2507.12768): dilated convolutions side by side, a
deformable convolution (Dai et al. 2017), and pooling of the map rotated by several angles.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from vag_core.configuration import ConfigError, config


@config
class DirectionConfig:
    """Size of the head.

    Attributes:
        dilations: of the 3 x 3 convolutions side by side.
        width: features of each of them.
        features: of the deformable convolution.
        angles: degrees by which the map is rotated before it is pooled.
        pool: rows and columns to which each rotated map is averaged; 1, 1 is the published one.
        hidden: features of the perceptron's one layer.
    """

    dilations: tuple[int, ...] = (1, 2, 3, 6)
    width: int = 12
    features: int = 64
    angles: tuple[float, ...] = (0.0, 45.0, 90.0, 135.0)
    pool: tuple[int, int] = (3, 3)
    hidden: int = 512

    def validate(self) -> None:
        """Raise ConfigError for sizes below 1 and for no angle or dilation at all."""
        if not self.angles:
            raise ConfigError('angles = (): at least one is needed')
        for field in ('dilations', 'pool', 'width', 'features', 'hidden'):
            value = getattr(self, field)
            if min(value if isinstance(value, tuple) else (value,), default=0) < 1:
                raise ConfigError(f'{field} = {value}: must be at least 1')


class DeformableConv(nn.Module):
    """A 3 x 3 convolution whose nine taps move: by how much is computed from the map itself.

    It starts as an ordinary one: the offsets begin at zero.
    """

    def __init__(self, features: int, out: int) -> None:
        super().__init__()
        self.offsets = nn.Conv2d(features, 18, 3, padding=1)
        nn.init.zeros_(self.offsets.weight)
        nn.init.zeros_(self.offsets.bias)
        self.weight = nn.Parameter(torch.empty(out, features, 3, 3))
        nn.init.kaiming_normal_(self.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, features, H, W) to (B, out, H, W); outside the map there are zeros."""
        rows, columns = x.shape[2:]
        # Interpolation in lower precision would blur where a tap lies.
        places = self.places(self.offsets(x).float())
        size = torch.tensor([columns, rows], device=x.device)
        grid = (2 * places + 1) / size - 1
        sampled = F.grid_sample(x.float(), grid.flatten(1, 2), align_corners=False)
        taps = sampled.unflatten(2, (9, rows)).flatten(1, 2).flatten(2)
        return (self.weight.flatten(1) @ taps).unflatten(2, (rows, columns))

    def places(self, offsets: Tensor) -> Tensor:
        """Return column and row of each tap, (B, 9, H, W, 2), for offsets (B, 18, H, W)."""
        rows, columns = offsets.shape[2:]
        device = offsets.device
        y, x = torch.meshgrid(
            torch.arange(rows, device=device), torch.arange(columns, device=device), indexing='ij'
        )
        tap_y, tap_x = torch.meshgrid(*2 * [torch.arange(-1, 2, device=device)], indexing='ij')
        taps = torch.stack([tap_x, tap_y], dim=-1).reshape(9, 1, 1, 2)
        moved = offsets.unflatten(1, (9, 2)).movedim(2, -1)
        return torch.stack([x, y], dim=-1) + taps + moved


def rotated(x: Tensor, degrees: float) -> Tensor:
    """Rotate the maps (B, C, H, W) about their centre; what turns out of the frame is lost."""
    if degrees % 360 == 0:
        return x
    rows, columns = x.shape[2:]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # In units of half the frame, which is as wide as it is high only by chance.
    matrix = [[cos, -sin * rows / columns, 0.0], [sin * columns / rows, cos, 0.0]]
    theta = torch.tensor(matrix).expand(len(x), -1, -1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


@lru_cache
def rotated_pooling(
    rows: int, columns: int, angles: tuple[float, ...], pool: tuple[int, int]
) -> Tensor:
    """Return what rotates a map by each angle and averages it to ``pool`` cells.

    Both are linear, so they are one matrix (rows * columns, angles * cells) for all maps of a
    size, which is cheaper than to rotate each.
    """
    # It outlives the caller, who may be in inference mode, where nothing can be trained on.
    with torch.inference_mode(False), torch.no_grad():
        basis = torch.eye(rows * columns).view(-1, 1, rows, columns)
        pooled = [F.adaptive_avg_pool2d(rotated(basis, angle), pool) for angle in angles]
        return torch.cat(pooled, dim=1).flatten(1)


class DirectionHead(nn.Module):
    """Regress the joints of one arm from a map of features."""

    def __init__(self, cfg: DirectionConfig, features: int, joints: int) -> None:
        super().__init__()
        self.angles, self.pool = cfg.angles, cfg.pool
        width = cfg.width * len(cfg.dilations)
        self.scales = nn.ModuleList(
            nn.Conv2d(features, cfg.width, 3, padding=d, dilation=d, bias=False)
            for d in cfg.dilations
        )
        self.scales_norm = nn.BatchNorm2d(width)
        self.deformable = DeformableConv(width, cfg.features)
        self.deformable_norm = nn.BatchNorm2d(cfg.features)
        self.perceptron = nn.Sequential(
            nn.Linear(len(cfg.angles) * cfg.features * math.prod(cfg.pool), cfg.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(cfg.hidden, joints),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, features, H, W) to (B, joints)."""
        x = torch.cat([scale(x) for scale in self.scales], dim=1)
        x = F.relu(self.scales_norm(x))
        x = F.relu(self.deformable_norm(self.deformable(x)))
        pooling = rotated_pooling(*x.shape[2:], self.angles, self.pool).to(x)
        return self.perceptron((x.flatten(2) @ pooling).flatten(1))
