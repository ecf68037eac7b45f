"""The one training loop, for every stage: draw, differentiate, step, watch, save, continue."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.utils.data import DataLoader, Dataset

from vag_core.train.draws import KeySampler
from vag_core.train.ema import AveragedWeights
from vag_core.train.guard import DivergedError, Guard, GuardConfig
from vag_core.train.interrupt import Interrupt, Interrupted
from vag_core.train.optimisation import StageConfig
from vag_core.train.processes import Processes, Together, total_norm
from vag_core.train.states import StageProgress, StageState, States

# The first process gets the whole state; frozen weights are no part of it.
FULL = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
LOADED = StateDictOptions(full_state_dict=True, ignore_frozen_params=True, strict=False)

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class StepReport:
    """One finished step: of ``steps`` in all, its loss over all processes, and the rest."""

    stage: str
    step: int
    steps: int
    loss: float
    learning_rate: float
    gradient_norm: float
    samples_per_second: float


@dataclass(frozen=True, eq=False)
class Stage:
    """What is trained, on what.

    Attributes:
        name: of the stage.
        cfg: its optimisation.
        parts: the modules with parameters to train.
        loss: maps a batch on the device to a scalar, the mean over its samples.
        samples: gives a dictionary of tensors for each :class:`SampleKey`; its ``episode`` is an
            index into ``episodes``.
        episodes: names.
        rates: learning rate of parts that have one of their own.
    """

    name: str
    cfg: StageConfig
    parts: dict[str, nn.Module]
    loss: Callable[[Batch], Tensor]
    samples: Dataset
    episodes: list[str]
    rates: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Engine:
    """Trains one stage after the other.

    Attributes:
        processes: of the run.
        states: where it can be resumed from; None keeps nothing.
        guard: what counts as diverging.
        save_every: steps between states.
        workers: processes that prepare samples.
        interrupt: asked after every step.
        report: told every finished step, in the main process.
        sample: called after every step in every process, outside gradients, with the shared
            modules.
    """

    processes: Processes
    states: States | None
    guard: GuardConfig
    save_every: int = 200
    workers: int = 0
    interrupt: Interrupt | None = None
    report: Callable[[StepReport], None] = lambda report: None
    sample: Callable[[Stage, int, nn.Module], None] = lambda stage, step, shared: None

    def train(self, stage: Stage, seconds: float | None = None) -> StageProgress:
        """Train a stage to its end, from its last state where there is one.

        The weights that it ends with, averaged ones where it has them, are written as finished;
        without ``states`` they are in the modules.

        Args:
            stage: what to train.
            seconds: ends the stage early; the learning rate then follows the clock, so that it
                still reaches its end. Such a run can't be repeated exactly.

        Raises:
            DivergedError: naming the step and the episodes of its batch.
            Interrupted: after the state was saved.
        """
        return _Running(self, stage).run(seconds)


class _Running:
    def __init__(self, engine: Engine, stage: Stage) -> None:
        self.engine, self.stage = engine, stage
        self.processes = engine.processes
        self.shared = self.processes.share(Together(stage.parts).train())
        self.parameters = [p for p in self.shared.parameters() if p.requires_grad]
        self.optimiser = self._make_optimiser()
        averaged = stage.cfg.average_decay(1) is not None
        self.average = AveragedWeights(self.parameters) if averaged else None
        self.progress = StageProgress()

    def _make_optimiser(self) -> torch.optim.AdamW:
        cfg = self.stage.cfg
        groups: dict[float, list[Tensor]] = {}
        for name, parameter in self.shared.named_parameters():
            if parameter.requires_grad:
                part = name.removeprefix('module.').split('.')[1]
                rate = self.stage.rates.get(part, cfg.learning_rate)
                groups.setdefault(rate, []).append(parameter)
        return torch.optim.AdamW(
            [{'params': found, 'lr': rate, 'peak': rate} for rate, found in groups.items()],
            betas=cfg.betas,
            eps=cfg.eps,
            weight_decay=cfg.weight_decay,
        )

    def run(self, seconds: float | None) -> StageProgress:
        cfg, engine = self.stage.cfg, self.engine
        self._restore()
        guard = Guard(engine.guard, self.progress.losses)
        batches = self._batches()
        started = time.monotonic() - self.progress.seconds
        while (step := self.progress.step + 1) <= cfg.steps:
            spent = (step - 1) / cfg.steps
            if seconds is not None:
                spent = max(spent, self.progress.seconds / seconds)
            if spent >= 1 and step > 1:
                break
            before = self.progress.seconds
            rate = cfg.relative_rate(step, spent)
            loss, norm, episodes = self._step(step, rate, batches)
            asked = engine.interrupt is not None and engine.interrupt.asked
            mine = time.monotonic() - started if self.processes.main else 0.0
            loss, asked, clock = self.processes.mean([loss, asked, mine])
            complaint = guard.complaint(loss)
            if complaint is None and not math.isfinite(norm):
                complaint = f'gradient norm = {norm}'
            if complaint is not None:
                raise self._diverged(step, complaint, episodes)
            self.progress.losses.append(loss)
            self.progress.seconds = clock * self.processes.count
            if self.processes.main:
                speed = cfg.batch / max(1e-9, self.progress.seconds - before)
                rates = rate * cfg.learning_rate
                engine.report(
                    StepReport(self.stage.name, step, cfg.steps, loss, rates, norm, speed)
                )
            if asked:
                self._save()
                raise Interrupted(f'{self.stage.name}, step {step} of {cfg.steps}')
            if step % engine.save_every == 0 and step < cfg.steps:
                self._save()
            engine.sample(self.stage, step, self.shared)
        self._finish()
        return self.progress

    def _batches(self) -> Iterator[Batch]:
        keys = KeySampler(
            self.stage.cfg, self.progress.step + 1, self.processes.index, self.processes.count
        )
        loader = DataLoader(
            self.stage.samples,
            batch_sampler=keys,
            num_workers=self.engine.workers,
            pin_memory=self.processes.device.type == 'cuda',
            generator=torch.Generator(),
        )
        return iter(loader)

    def _step(
        self, step: int, rate: float, batches: Iterator[Batch]
    ) -> tuple[float, float, list[int]]:
        cfg = self.stage.cfg
        for group in self.optimiser.param_groups:
            group['lr'] = group['peak'] * rate
        self.optimiser.zero_grad(set_to_none=True)
        total, episodes = 0.0, []
        for number in range(1, cfg.accumulate + 1):
            batch = next(batches)
            episodes += batch['episode'].tolist()
            device = self.processes.device
            batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
            with self.processes.without_exchange(self.shared, number < cfg.accumulate):
                with self.processes.autocast():
                    value = self.shared(self.stage.loss, batch) / cfg.accumulate
                value.backward()
            total = total + value.detach()
        norm = total_norm(nn.utils.clip_grad_norm_(self.parameters, cfg.clip))
        self.optimiser.step()
        if self.average is not None:
            self.average.update(cfg.average_decay(step))
        return float(total), norm, episodes

    def _diverged(self, step: int, complaint: str, episodes: list[int]) -> DivergedError:
        indices = sorted(set(self.processes.gather(episodes)))
        names = ', '.join(self.stage.episodes[index] for index in indices)
        kept = self.engine.states and self.engine.states.last_step(self.stage.name)
        last = f'; last state: step {kept}' if kept else ''
        return DivergedError(
            f'{self.stage.name}, step {step}: {complaint}; episodes of its batch: {names}{last}'
        )

    def _weights(self) -> dict[str, Tensor]:
        found = get_model_state_dict(self.shared, options=FULL)
        return {name: value.contiguous().clone() for name, value in found.items()}

    def _averaged(self) -> dict[str, Tensor] | None:
        if self.average is None:
            return None
        with self.average.applied():
            return self._weights()

    def _save(self) -> None:
        if self.engine.states is None:
            return
        weights, average = self._weights(), self._averaged()
        optimiser = get_optimizer_state_dict(self.shared, self.optimiser, options=FULL)
        if self.processes.main:
            state = StageState(self.progress, weights, average, optimiser)
            self.engine.states.save(self.stage.name, state)
        self.processes.wait()

    def _restore(self) -> None:
        state = self.engine.states and self.engine.states.latest(self.stage.name)
        if not state:
            return
        if self.average is not None:
            set_model_state_dict(self.shared, state.average, options=LOADED)
            self.average.take()
        set_model_state_dict(self.shared, state.weights, options=LOADED)
        set_optimizer_state_dict(self.shared, self.optimiser, state.optimiser, options=LOADED)
        self.progress = state.progress

    def _finish(self) -> None:
        weights = self._weights() if self.average is None else self._averaged()
        if self.engine.states is None:
            set_model_state_dict(self.shared, weights, options=LOADED)
        elif self.processes.main:
            self.engine.states.finish(self.stage.name, self.progress, weights)
        self.shared.eval()
        self.processes.wait()
