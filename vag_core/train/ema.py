"""Averaged weights: an exponential moving average of what is trained."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def local(tensor: Tensor) -> Tensor:
    """Return this process's part of a tensor that FSDP shards; any other as it is."""
    return tensor.to_local() if hasattr(tensor, 'to_local') else tensor


class AveragedWeights:
    """The moving average of parameters, float32, sharded as they are."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.parameters = [local(p.detach()) for p in parameters]
        self.average = [p.clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Take the present parameters in: ``average <- decay average + (1 - decay) present``."""
        torch._foreach_lerp_(self.average, self.parameters, 1 - decay)

    @torch.no_grad()
    def take(self) -> None:
        """Set the average to the present parameters."""
        torch._foreach_copy_(self.average, self.parameters)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the parameters be their average for a while."""
        with torch.no_grad():
            present = [p.clone() for p in self.parameters]
            torch._foreach_copy_(self.parameters, self.average)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, present)
