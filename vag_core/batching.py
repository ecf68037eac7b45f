"""How many episodes are sampled together: as many as the memory holds, fewer when it does not."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from vag_core.cost import activation_bytes
from vag_core.model.vag import VagConfig

T = TypeVar('T')

# One clip of full size fills a GPU already; more of them only delay the first result.
LARGEST = 8
# Of the free memory: the estimate leaves out what the allocator loses.
SHARE = 0.6


def estimated_batch(cfg: VagConfig, device: torch.device, element_bytes: int) -> int:
    """Return how many episodes fit into the free memory beside the loaded weights, 1 to 8.

    The video stream's working memory counts, as :func:`vag_core.cost.activation_bytes` estimates
    it; clips are decoded one by one.
    """
    each = activation_bytes(cfg, element_bytes)
    return max(1, min(LARGEST, int(SHARE * free_memory(device) / each)))


def free_memory(device: torch.device) -> int:
    """Return the free bytes of a GPU, or of this machine."""
    if device.type == 'cuda':
        return torch.cuda.mem_get_info(device)[0]
    with open('/proc/meminfo') as lines:  # noqa: PTH123
        fields = dict(line.split(':', 1) for line in lines)
    return 1024 * int(fields['MemAvailable'].split()[0])


def in_batches(
    items: Sequence[T],
    size: int,
    work: Callable[[Sequence[T]], None],
    on_smaller: Callable[[int], None] = lambda size: None,
) -> Iterator[Sequence[T]]:
    """Call ``work`` on batches of ``items`` and yield each one that is done.

    When memory runs out the size is halved and the batch begins again.

    Raises:
        torch.OutOfMemoryError: a single item does not fit.
    """
    start = 0
    while start < len(items):
        batch = items[start : start + size]
        try:
            work(batch)
        except RuntimeError as error:
            if not out_of_memory(error) or len(batch) == 1:
                raise
        else:
            start += len(batch)
            yield batch
            continue
        # Outside the handler, whose traceback would keep the batch's tensors alive.
        size = len(batch) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        on_smaller(size)


def out_of_memory(error: Exception) -> bool:
    """Tell whether torch had no memory; on a CPU it says so in the message alone."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
