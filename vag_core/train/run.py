"""A training run from demonstrations to a checkpoint: its stages in order, resumable."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vag_core.checkpoint import UNTRAINED, CheckpointConfig, load_checkpoint, save_checkpoint
from vag_core.configuration import ConfigError
from vag_core.files import new_folder
from vag_core.model.normaliser import Normaliser
from vag_core.model.unet1d import pad_steps
from vag_core.model.vae import LightVae
from vag_core.model.vag import Vag
from vag_core.train import losses
from vag_core.train.cache import Cache, InstructionTokens, cache_frames, cache_latents
from vag_core.train.curves import draw_losses
from vag_core.train.demonstrations import Demonstrations
from vag_core.train.draws import seed_for
from vag_core.train.engine import Engine, Stage, StepReport
from vag_core.train.estimates import cache_estimates, estimates_per_episode
from vag_core.train.interrupt import Interrupt
from vag_core.train.journal import Journal, Samples
from vag_core.train.lora import add_adapters, save_adapter
from vag_core.train.measure import Measurements, measure
from vag_core.train.mirror import with_mirrored
from vag_core.train.parts import (
    adapters_of,
    check_start,
    keeps_action,
    median_picture,
    set_statistics,
    start_model,
    take_weights,
    trained_parts,
)
from vag_core.train.preview_fit import fit_to_demonstrations
from vag_core.train.processes import Processes
from vag_core.train.recipe import Recipe, Tune
from vag_core.train.reports import EpisodeReports, OnProgress
from vag_core.train.run_folder import METRICS_FILE, comparable, open_run
from vag_core.train.samples import ActionSamples, Clips, GroupSamples, StreamSamples
from vag_core.train.states import StageProgress, States, weights_of

# Shares of a time budget, among the stages that a recipe has.
SHARES = {'vae': 0.4, 'video': 0.32, 'action': 0.28, 'joint': 0.6}
# What may change between a run and its continuation: it alters no number.
OPERATION = (
    'workers',
    'save_every',
    'keep',
    'log_every',
    'sample_every',
    'measured_episodes',
    'checkpoint_dtype',
    'evaluation',
)


@dataclass(frozen=True)
class RunOptions:
    """What a run is told beside recipe and data.

    Attributes:
        out: folder of the run: ``checkpoint/``, ``adapter/`` of LoRA, ``losses.png``,
            ``metrics.json``, ``tensorboard/``, and ``states/`` to continue from.
        seed: of weights and draws.
        minutes: budget of the optimisations together; without one they run all their steps.
        resume: continue what ``out`` holds; an empty one is begun.
        init: checkpoint folder to start from.
        cache: folder of encoded episodes; None for one in ``out``.
        cpu: leave an accelerator alone.
    """

    out: Path
    seed: int = 0
    minutes: float | None = None
    resume: bool = False
    init: Path | None = None
    cache: Path | None = None
    cpu: bool = False


@dataclass
class TrainingRun:
    """One run; :meth:`train` does all of it.

    Attributes:
        recipe, data, options: what it is told.
        interrupt: asked between steps and episodes.
        progress: told by the main process what is done: the activity, how much, of how much, and
            the step that it is, if it is one.
    """

    recipe: Recipe
    data: Demonstrations
    options: RunOptions
    interrupt: Interrupt = field(default_factory=Interrupt)
    progress: OnProgress = lambda activity, done, total, report: None

    def __post_init__(self) -> None:
        """Join the other processes; ConfigError where a part would stay random."""
        training = self.recipe.training
        check_start(training, self.options.init)
        if training.mirror is not None:
            self.data = with_mirrored(self.data, training.mirror)
        self.processes = Processes(training.precision, training.parallel, self.options.cpu)
        for name in training.stages:
            getattr(training, name).stage.passes(self.processes.count)
        self.out = Path(self.options.out)
        folder = Path(self.options.cache or self.out / 'cache')
        self.reports = EpisodeReports(self.progress, self.interrupt, self.processes.main)
        self.cache = Cache(folder, self.processes, self.reports)
        self.states = States(self.out / 'states', training.keep)
        self.spent: dict[str, StageProgress] = {}

    def train(self) -> Measurements | None:
        """Train every stage that is not finished, write the checkpoint and measure it.

        Returns:
            What was measured, in the main process and where episodes are to be measured.

        Raises:
            FileExistsError: ``out`` holds a checkpoint, or a run that is not to be resumed.
            ConfigError: the run to resume is another one, or the start does not fit.
            DivergedError: of a stage.
            Interrupted: everything so far is on disk.
        """
        open_run(
            self.out,
            self._about(),
            resume=self.options.resume,
            product='checkpoint',
            states=self.states,
            processes=self.processes,
        )
        training = self.recipe.training
        start = self._assemble()
        self.normaliser = self._normaliser(start[1])
        logs = self.out / 'tensorboard' if self.processes.main else None
        self.journal = Journal(logs, training.log_every)
        try:
            for name in training.stages:
                finished = self.states.finished(name)
                if finished is None:
                    self._train_stage(name)
                    finished = self.states.finished(name)
                self.spent[name] = finished[0]
            self.journal.close()
            model, start = self._assemble()
            return self._conclude(model, start) if self.processes.main else None
        finally:
            self.journal.close()

    def _about(self) -> dict[str, Any]:
        """Return what a continued run must have in common with its beginning."""
        init = self.options.init
        return {
            'seed': self.options.seed,
            'init': None if init is None else str(Path(init).resolve()),
            'episodes': self.data.names,
            **comparable(self.recipe, OPERATION),
        }

    def _assemble(self) -> tuple[Vag, CheckpointConfig | None]:
        """Return the model as the finished stages leave it, and the checkpoint it began with."""
        training = self.recipe.training
        model, start = start_model(self.recipe, self.options.init, self.options.seed)
        for name in training.stages:
            finished = self.states.finished(name)
            if finished is None:
                break
            take_weights(model, training, name, finished[1], self.options.seed)
            if name == 'vae':
                set_statistics(model.vae, cache_frames(self.data, self.cache))
        return model.eval(), start

    def _normaliser(self, start: CheckpointConfig | None) -> Normaliser:
        if keeps_action(self.recipe, start):
            if start.embodiment != self.data.embodiment:
                raise ConfigError(
                    f'embodiment = {self.data.embodiment.name}: the checkpoint to start from has '
                    f'another, {start.embodiment.name}'
                )
            return start.normaliser
        dimension = self.data.embodiment.dimension
        minimum = self.recipe.training.minimum_std
        return Normaliser.fit(self.data.actions.reshape(-1, dimension), minimum)

    def _clips(self, model: Vag) -> Clips:
        dtype = getattr(torch, self.recipe.training.cache_dtype)
        latents = cache_latents(self.data, model.vae, self.cache, dtype)
        text = InstructionTokens(model, self.data.instructions, self.cache)

        def normal(values) -> Tensor:
            return torch.from_numpy(self.normaliser.normalise(values))

        actions = pad_steps(normal(self.data.actions), model.cfg.padded_steps)
        return Clips(self.data.names, latents, text, actions, normal(self.data.start_states))

    def _train_stage(self, name: str) -> None:
        training = self.recipe.training
        model, _ = self._assemble()
        adapters = adapters_of(training, name)
        if adapters is not None:
            add_adapters(model.video.network, adapters, seed_for(self.options.seed, 'lora'))
        model.video.network.gradient_checkpointing = training.gradient_checkpointing
        if training.compile and name != 'vae':
            for block in model.video.network.transformer_blocks:
                block.compile()
        samples = lambda stage, step, shared: None  # noqa: E731
        if name == 'vae':
            stage = self._vae_stage(model)
        else:
            clips = self._clips(model)
            stage = self._stream_stage(name, model, clips)
            samples = Samples(
                model, clips, self.normaliser, self.data.embodiment, self.processes,
                self.journal, training.sample_every,
            )  # fmt: skip
        engine = Engine(
            processes=self.processes,
            states=self.states,
            guard=training.guard,
            save_every=training.save_every,
            workers=training.workers,
            interrupt=self.interrupt,
            report=self._on_step,
            sample=samples,
        )
        engine.train(stage, self._seconds(name))

    def _on_step(self, report: StepReport) -> None:
        self.journal.scalars(report)
        self.progress(report.stage, report.step, report.steps, report)

    def _seconds(self, name: str) -> float | None:
        if self.options.minutes is None:
            return None
        total = sum(SHARES[stage] for stage in self.recipe.training.stages)
        return 60 * self.options.minutes * SHARES[name] / total

    def _vae_stage(self, model: Vag) -> Stage:
        if not isinstance(model.vae, LightVae):
            raise ConfigError('training.vae: only the light VAE can be trained; leave it out')
        cfg = self.recipe.training.vae
        frames = cache_frames(self.data, self.cache)
        background = median_picture(frames, self.data.actions.shape[1])
        noise = (model.vae.latent_channels, *model.cfg.latent_size[1:])
        return Stage(
            name='vae',
            cfg=cfg.stage,
            parts=trained_parts(model, self.recipe.training, 'vae'),
            loss=lambda batch: losses.vae_loss(model.vae, batch, background, cfg),
            samples=GroupSamples(frames, model.cfg.frames, noise, self.options.seed),
            episodes=self.data.names,
        )

    def _stream_stage(self, name: str, model: Vag, clips: Clips) -> Stage:
        training, seed = self.recipe.training, self.options.seed
        cfg = getattr(training, name)
        if name == 'video':
            samples = StreamSamples(
                clips,
                cfg.noise,
                text_dropout=cfg.loss.text_dropout,
                independent=False,
                seed=seed,
                thinning=cfg.thinning,
            )

            def loss(batch: dict[str, Tensor]) -> Tensor:
                return losses.video_loss(losses.estimate_video(model, batch), batch, cfg.loss)
        elif name == 'action':
            estimates = cache_estimates(model, clips, cfg, seed, self.cache)
            counts = estimates_per_episode(model, cfg)
            samples = ActionSamples(clips, estimates, cfg, counts=counts, seed=seed)

            def loss(batch: dict[str, Tensor]) -> Tensor:
                return losses.action_loss(model, batch['latent'], batch, cfg.loss)
        else:
            samples = StreamSamples(
                clips,
                cfg.noise,
                text_dropout=cfg.video.text_dropout,
                independent=cfg.independent_noise,
                seed=seed,
            )
            if cfg.video.tune is Tune.FROZEN:
                self._freeze_video(model)

            def loss(batch: dict[str, Tensor]) -> Tensor:
                return losses.joint_loss(model, batch, cfg)

        rate = cfg.action_learning_rate if name == 'joint' else None
        return Stage(
            name=name,
            cfg=cfg.stage,
            parts=trained_parts(model, training, name),
            loss=loss,
            samples=samples,
            episodes=clips.names,
            rates={} if rate is None else {'action': rate},
        )

    def _freeze_video(self, model: Vag) -> None:
        for part in (model.video, model.coupling):
            if part is not None:
                part.requires_grad_(False).eval().to(self.processes.device)

    def _conclude(self, model: Vag, start: CheckpointConfig | None) -> Measurements | None:
        """Write checkpoint, adapter, curves and measurements."""
        training = self.recipe.training
        self._save_adapters()
        trained = {p for name in training.stages for p in trained_parts(model, training, name)}
        references = {} if start is None else start.weights
        kept = keeps_action(self.recipe, start) and start.evaluation != UNTRAINED
        evaluation = training.evaluation if kept or 'action' in trained else UNTRAINED
        cfg = CheckpointConfig(
            model=self.recipe.model,
            embodiment=self.data.embodiment,
            normaliser=self.normaliser,
            camera=training.camera,
            fps=self.data.fps,
            evaluation=evaluation,
            dtype='float32' if start is None else start.dtype,
            weights={part: where for part, where in references.items() if part not in trained},
            provenance={
                'episodes': len(self.data) - self.data.mirrored,
                'mirrored': self.data.mirrored,
                'instructions': sorted(set(self.data.instructions)),
                'seed': self.options.seed,
                'steps': {name: progress.step for name, progress in self.spent.items()},
                **({} if self.options.init is None else {'init': Path(self.options.init).name}),
            },
        )
        dtype = getattr(torch, training.checkpoint_dtype)
        if not (self.out / 'checkpoint').exists():
            matrix = fit_to_demonstrations(model.vae, self.data, self.processes.device)
            save_checkpoint(self.out / 'checkpoint', cfg, model, dtype, matrix)
        del model
        history = {name: progress.losses for name, progress in self.spent.items()}
        draw_losses(self.out / 'losses.png', history, evaluation)
        summary = {
            'evaluation': evaluation,
            'measured_on': 'the training episodes',
            'training_seconds': sum(progress.seconds for progress in self.spent.values()),
            'threads': torch.get_num_threads(),
            'final_losses': {name: found.final_loss for name, found in self.spent.items()},
        }
        measured = None
        if training.measured_episodes:
            checkpoint = load_checkpoint(self.out / 'checkpoint', self.processes.device)
            count, report = training.measured_episodes, self.reports('measuring')
            measured = measure(checkpoint, self.data, count, on_episode=report)
            summary |= measured.to_mapping()
        (self.out / METRICS_FILE).write_text(json.dumps(summary, indent=2) + '\n')
        return measured

    def _save_adapters(self) -> None:
        for name in self.recipe.training.stages:
            adapters = adapters_of(self.recipe.training, name)
            folder = self.out / f'adapter_{name}'
            if adapters is None or folder.exists():
                continue
            mine = weights_of('video.network', self.states.finished(name)[1])
            with new_folder(folder) as partial:
                save_adapter(partial, adapters, mine)
