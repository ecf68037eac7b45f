"""The processes of one training run: device, precision, and how modules are shared among them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from vag_core.train.recipe import Parallel, Precision


class Together(nn.Module):
    """Modules that are trained together.

    A loss runs as a function inside ``forward``, where DDP and FSDP have their hooks.
    """

    def __init__(self, parts: dict[str, nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)

    def forward(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return ``function(*arguments)``."""
        return function(*arguments)


class Processes:
    """This process among those of the run, which torchrun started.

    Attributes:
        device: of this process.
        index, count: which one it is, of how many.
        bf16: whether networks compute in bfloat16.
    """

    def __init__(self, precision: Precision, parallel: Parallel, cpu: bool = False) -> None:
        from accelerate import Accelerator

        # Precision is this class's own matter, so that a run may differ from accelerate's
        # environment and from another run in the same process. Not told that there is nothing but
        # processors, accelerate takes each process for a run of its own.
        cpu = cpu or not torch.accelerator.is_available()
        self._accelerator = Accelerator(mixed_precision='no', cpu=cpu)
        self.device: torch.device = self._accelerator.device
        if self.device.type == 'cpu':
            self.device = torch.device('cpu')  # without the index that accelerate gives it
        self.index: int = self._accelerator.process_index
        self.count: int = self._accelerator.num_processes
        self.sharded = parallel is Parallel.FSDP and self.count > 1
        self.bf16 = precision is Precision.BF16 or (
            precision is Precision.AUTO and has_bf16(self.device)
        )

    @property
    def main(self) -> bool:
        """Whether this is the one that prints and writes."""
        return self.index == 0

    def autocast(self) -> torch.autocast:
        """Compute in bfloat16, or not."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    @contextmanager
    def frozen(self, *modules: nn.Module) -> Iterator[None]:
        """Run ``modules`` in evaluation mode, without gradients, under autocast."""
        training = [module.training for module in modules]
        for module in modules:
            module.eval()
        try:
            with torch.no_grad(), self.autocast():
                yield
        finally:
            for module, was in zip(modules, training, strict=True):
                module.train(was)

    def share(self, together: Together) -> nn.Module:
        """Move modules to the device and let the processes share them."""
        together.to(self.device)
        if self.count == 1:
            return together
        if not self.sharded:
            return self._accelerator.prepare_model(together)
        return self._shard(together)

    def _shard(self, together: Together) -> nn.Module:
        from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

        from vag_core.model.dit import Block

        # Autocast casts what networks compute; here only the gathered weights are made small.
        # Inputs stay float32: flow times and estimates would suffer.
        blocks = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if self.bf16 else None,
            reduce_dtype=torch.float32,
            cast_forward_inputs=False,
        )
        for module in list(together.modules()):
            if isinstance(module, Block):
                fully_shard(module, mp_policy=blocks)
        fully_shard(together)
        return together

    @contextmanager
    def without_exchange(self, shared: nn.Module, active: bool) -> Iterator[None]:
        """Keep gradients to this process while ``active``: there are more passes to come."""
        if self.sharded:
            shared.set_requires_gradient_sync(not active)
            yield
            return
        with self._accelerator.no_sync(shared) if active and self.count > 1 else nullcontext():
            yield

    def mean(self, values: Iterable[float]) -> list[float]:
        """Return the means of some numbers over the processes."""
        numbers = torch.tensor(list(values), dtype=torch.float64)
        if self.count > 1:
            numbers = self._accelerator.reduce(numbers.to(self.device), reduction='mean').cpu()
        return numbers.tolist()

    def gather(self, items: list) -> list:
        """Return the items of all processes."""
        if self.count == 1:
            return items
        from accelerate.utils import gather_object

        return gather_object(items)

    def wait(self) -> None:
        """Wait until every process is here."""
        self._accelerator.wait_for_everyone()


def has_bf16(device: torch.device) -> bool:
    """Return whether the device has instructions for bfloat16."""
    if device.type == 'cpu':
        return bool(torch.cpu.get_capabilities().get('avx512_bf16', False))
    return device.type != 'cuda' or torch.cuda.is_bf16_supported(including_emulation=False)


def total_norm(norm: Tensor) -> float:
    """Return a gradient norm as a number, whether or not it is sharded."""
    return float(norm.full_tensor() if hasattr(norm, 'full_tensor') else norm)
