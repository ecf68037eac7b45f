"""Seconds by name, on a CPU or between CUDA events."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import nn


class Clock:
    """Seconds spent inside modules and blocks of code, by name."""

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == 'cuda'
        self.spans: dict[str, list] = {}
        self._open = {}

    def _now(self):
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def start(self, name: str) -> None:
        self._open[name] = self._now()

    def stop(self, name: str) -> None:
        self.spans.setdefault(name, []).append((self._open.pop(name), self._now()))

    @contextlib.contextmanager
    def measure(self, name: str) -> Iterator[None]:
        self.start(name)
        yield
        self.stop(name)

    @contextlib.contextmanager
    def watch(self, **modules: nn.Module) -> Iterator[None]:
        """Measure every call of ``modules`` under its name."""
        hooks = []
        for name, module in modules.items():
            hooks.append(module.register_forward_pre_hook(lambda *_, n=name: self.start(n)))
            hooks.append(module.register_forward_hook(lambda *_, n=name: self.stop(n)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def seconds(self, name: str) -> list[float]:
        if not self.cuda:
            return [stop - start for start, stop in self.spans.get(name, [])]
        torch.cuda.synchronize()
        return [start.elapsed_time(stop) / 1e3 for start, stop in self.spans.get(name, [])]


def timed(clock: Clock, name: str, function: Callable) -> Callable:
    def call(*arguments, **options):
        with clock.measure(name):
            return function(*arguments, **options)

    return call


def spread(seconds: list[float]) -> dict:
    return {
        'median_s': statistics.median(seconds),
        'min_s': min(seconds),
        'max_s': max(seconds),
        'runs': len(seconds),
    }
