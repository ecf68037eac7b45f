"""One optimisation: AdamW, warm-up and cosine, clipped gradients, averaged weights, a budget."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vag_core.train.recipe import StageConfig

OnStep = Callable[[int, int, float], None]


def autocast() -> torch.autocast:
    """Compute in bfloat16 where the processor has instructions for it, else in float32."""
    supported = torch.cpu.get_capabilities().get('avx512_bf16', False)
    return torch.autocast('cpu', dtype=torch.bfloat16, enabled=bool(supported))


class AveragedWeights:
    """Exponential moving average of a module's parameters; early steps weigh less."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.parameters = list(module.parameters())
        self.average = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self) -> None:
        """Take the present parameters in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.average, self.parameters, 1 - decay)

    @torch.no_grad()
    def store(self) -> None:
        """Replace the parameters by their average."""
        for parameter, average in zip(self.parameters, self.average, strict=True):
            parameter.copy_(average)


def optimise(
    module: nn.Module,
    loss: Callable[[], Tensor],
    cfg: StageConfig,
    seconds: float | None = None,
    on_step: OnStep | None = None,
) -> list[float]:
    """Minimise ``loss`` over the parameters of ``module`` and return its value at each step.

    Args:
        module: left in evaluation mode, with its averaged weights if there are any.
        loss: draws a batch and returns a scalar; called under autocast.
        cfg: optimiser and number of steps.
        seconds: ends the run early; the schedule then follows the clock, so that the learning
            rate still reaches zero.
        on_step: told the step, the number of steps and the loss.
    """
    module.train()
    parameters = list(module.parameters())
    optimiser = torch.optim.AdamW(
        parameters, lr=cfg.learning_rate, betas=(0.9, 0.98), weight_decay=cfg.weight_decay
    )
    average = AveragedWeights(module, cfg.ema) if cfg.ema else None
    history = []
    for step, rate in _schedule(cfg, seconds):
        for group in optimiser.param_groups:
            group['lr'] = cfg.learning_rate * rate
        with autocast():
            value = loss()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if average is not None:
            average.update()
        history.append(value.item())
        if not math.isfinite(history[-1]):
            raise ArithmeticError(f'loss = {history[-1]} at step {step}')
        if on_step is not None:
            on_step(step, cfg.steps, history[-1])
    if average is not None:
        average.store()
    module.eval()
    return history


def _schedule(cfg: StageConfig, seconds: float | None) -> Iterator[tuple[int, float]]:
    """Yield step and relative learning rate until steps or seconds are spent; at least one."""
    started = time.monotonic()
    for step in range(1, cfg.steps + 1):
        spent = (step - 1) / cfg.steps
        if seconds is not None:
            spent = max(spent, (time.monotonic() - started) / seconds)
        if spent >= 1 and step > 1:
            return
        decay = 0.5 * (1 + math.cos(math.pi * min(1.0, spent)))
        yield step, min(1.0, step / cfg.warmup) * decay


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Run without gradients, under autocast, with ``module`` in evaluation mode."""
    training = module.training
    module.eval()
    try:
        with torch.no_grad(), autocast():
            yield
    finally:
        module.train(training)
