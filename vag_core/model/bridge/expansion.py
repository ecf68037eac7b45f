"""From n pooled values to a longer vector, without a learned layer.

The paper expands 16 averages to 132 values and says no more (VAG, 2604.09330). Every kind of
copying gives the action network the same functions, because a linear layer follows; the kinds
differ in the scale at initialisation and in the effective learning rate of each value.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vag_core.model.bridge.config import Expansion


def expand(values: Tensor, length: int, mode: Expansion) -> Tensor:
    """Map (B, n) to (B, length), n <= length.

    ``TILE`` repeats cyclically: element i is ``values[i mod n]``. ``NEAREST`` repeats each value
    in place, ``LINEAR`` interpolates, ``ADAPTIVE`` is adaptive average pooling, which mixes
    neighbours where a copy would straddle them, and ``ZERO_PAD`` appends zeros.

    Raises:
        ValueError: n > length, or the mode isn't one of these.
    """
    count = values.shape[1]
    if count > length:
        raise ValueError(f'values: {count} are more than length = {length}')
    if mode is Expansion.TILE:
        return values[:, torch.arange(length, device=values.device) % count]
    if mode is Expansion.NEAREST:
        return F.interpolate(values[:, None], length, mode='nearest')[:, 0]
    if mode is Expansion.LINEAR:
        return F.interpolate(values[:, None], length, mode='linear', align_corners=False)[:, 0]
    if mode is Expansion.ADAPTIVE:
        return F.adaptive_avg_pool1d(values[:, None], length)[:, 0]
    if mode is Expansion.ZERO_PAD:
        return F.pad(values, (0, length - count))
    raise ValueError(f'mode = {mode}: no copying')
