"""The training of a reader from demonstrations to its folder, resumable."""

import json
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vag_core.baselines.model import CHANNELS_LAST, make_network, standardise, trunks_of
from vag_core.baselines.reader import ActionReader, ReaderConfig, load_reader, save_reader
from vag_core.baselines.recipe import ReaderRecipe
from vag_core.baselines.resnet import load_pretrained
from vag_core.baselines.samples import FrameSamples
from vag_core.files import sha256_of
from vag_core.metrics.actions import ActionErrors, compare_actions
from vag_core.model.normaliser import Normaliser
from vag_core.train.cache import Cache, cache_frames
from vag_core.train.curves import draw_losses
from vag_core.train.demonstrations import Demonstrations
from vag_core.train.draws import seed_for
from vag_core.train.engine import Engine, Stage, StepReport
from vag_core.train.interrupt import Interrupt
from vag_core.train.journal import Journal
from vag_core.train.measure import UnitMeasurements, measure_units
from vag_core.train.mirror import with_mirrored
from vag_core.train.processes import Processes
from vag_core.train.recipe import Parallel
from vag_core.train.reports import EpisodeReports, OnProgress
from vag_core.train.run import RunOptions
from vag_core.train.run_folder import METRICS_FILE, comparable, open_run
from vag_core.train.states import States, weights_of

NETWORK = 'network'
READER = 'reader'
# What may change between a run and its continuation: it alters no number.
OPERATION = (
    'workers',
    'save_every',
    'keep',
    'log_every',
    'checkpoint_dtype',
    'evaluation',
    'measured_episodes',
)


@dataclass(frozen=True)
class ReadingError:
    """How far the actions read from true videos are off.

    Attributes:
        episodes: how many were read.
        actions: means over the episodes.
        units: by unit of the embodiment.
    """

    episodes: int
    actions: ActionErrors
    units: dict[str, UnitMeasurements]


def measure_reader(
    reader: ActionReader,
    data: Demonstrations,
    count: int,
    on_episode: Callable[[int, int], None] = lambda done, total: None,
) -> ReadingError:
    """Read the videos of up to ``count`` demonstrations, spread over all, and compare."""
    chosen = np.unique(np.linspace(0, len(data) - 1, min(count, len(data))).round().astype(int))
    made = []
    for index in chosen:
        made.append(reader.read(data.video(index).movedim(1, -1).numpy()))
        on_episode(len(made), len(chosen))
    actions, truth = np.stack(made), data.actions[chosen]
    found = [astuple(compare_actions(*pair)) for pair in zip(actions, truth, strict=True)]
    units = measure_units(actions, truth, data.embodiment, data.fps)
    return ReadingError(len(chosen), ActionErrors(*np.mean(found, axis=0).tolist()), units)


@dataclass
class ReaderRun:
    """One run; :meth:`train` does all of it.

    Attributes:
        recipe, data, options: what it is told; ``options.init`` is a state dict of torchvision's
            to start the trunks from.
        validation: demonstrations that it is measured on; None for the training's own.
        interrupt: asked between steps and episodes.
        progress: told by the main process what is done, as in TrainingRun.
    """

    recipe: ReaderRecipe
    data: Demonstrations
    options: RunOptions
    validation: Demonstrations | None = None
    interrupt: Interrupt = field(default_factory=Interrupt)
    progress: OnProgress = lambda activity, done, total, report: None

    def __post_init__(self) -> None:
        """Join the other processes."""
        training = self.recipe.training
        if training.mirror is not None:
            self.data = with_mirrored(self.data, training.mirror)
        self.processes = Processes(training.precision, Parallel.DDP, self.options.cpu)
        training.stage.passes(self.processes.count)
        self.out = Path(self.options.out)
        self.reports = EpisodeReports(self.progress, self.interrupt, self.processes.main)
        self.states = States(self.out / 'states', training.keep)
        self.normaliser = Normaliser.fit(
            self.data.actions.reshape(-1, self.data.embodiment.dimension), training.minimum_std
        )

    @property
    def name(self) -> str:
        """Of its one stage: the kind of network."""
        return self.recipe.model.network.kind

    def train(self) -> ReadingError | None:
        """Train, write the reader and measure it.

        Returns:
            What was measured, in the main process.

        Raises:
            FileExistsError: ``out`` holds a reader, or a run that is not to be resumed.
            ConfigError: the run to resume is another one.
            WeightsError: the weights to start from do not fit.
            DivergedError: see :class:`vag_core.train.engine.Engine`.
            Interrupted: everything so far is on disk.
        """
        network = self._network()
        open_run(
            self.out,
            self._about(),
            resume=self.options.resume,
            product=READER,
            states=self.states,
            processes=self.processes,
        )
        if self.states.finished(self.name) is None:
            self._optimise(network)
        return self._conclude() if self.processes.main else None

    def _about(self) -> dict[str, Any]:
        init = self.options.init
        return {
            'seed': self.options.seed,
            'init': None if init is None else sha256_of(init),
            'episodes': self.data.names,
            **comparable(self.recipe, OPERATION),
        }

    def _network(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(self.options.seed, 'weights'))
            network = make_network(self.recipe.model, self.data.embodiment)
        if self.options.init is not None:
            for trunk in trunks_of(network):
                load_pretrained(trunk, self.options.init)
        return network.to(memory_format=CHANNELS_LAST)

    def _optimise(self, network: nn.Module) -> None:
        training, seed = self.recipe.training, self.options.seed
        folder = Path(self.options.cache or self.out / 'cache')
        frames = cache_frames(self.data, Cache(folder, self.processes, self.reports))
        actions = torch.from_numpy(self.normaliser.normalise(self.data.actions))
        weights = self.recipe.model.network.weights(self.data.embodiment)
        weights = weights.to(self.processes.device)

        def loss(batch: dict[str, Tensor]) -> Tensor:
            estimate = network(standardise(batch['pixels'])).float()
            return training.loss.of(estimate, batch['actions'], weights)

        journal = Journal(
            self.out / 'tensorboard' if self.processes.main else None, training.log_every
        )

        def report(step: StepReport) -> None:
            journal.scalars(step)
            self.progress(step.stage, step.step, step.steps, step)

        stage = Stage(
            name=self.name,
            cfg=training.stage,
            parts={NETWORK: network},
            loss=loss,
            samples=FrameSamples(frames, actions, training.augmentation, seed),
            episodes=self.data.names,
        )
        engine = Engine(
            processes=self.processes,
            states=self.states,
            guard=training.guard,
            save_every=training.save_every,
            workers=training.workers,
            interrupt=self.interrupt,
            report=report,
        )
        minutes = self.options.minutes
        try:
            engine.train(stage, None if minutes is None else 60 * minutes)
        finally:
            journal.close()

    def _conclude(self) -> ReadingError:
        """Write reader, curve and measurements."""
        training = self.recipe.training
        progress, weights = self.states.finished(self.name)
        if not (self.out / READER).exists():
            network = make_network(self.recipe.model, self.data.embodiment)
            network.load_state_dict(weights_of(NETWORK, weights))
            cfg = ReaderConfig(
                model=self.recipe.model,
                embodiment=self.data.embodiment,
                normaliser=self.normaliser,
                camera=training.camera,
                fps=self.data.fps,
                evaluation=training.evaluation,
                provenance={
                    'episodes': len(self.data),
                    'seed': self.options.seed,
                    'steps': progress.step,
                    'frames_seen': progress.step * training.stage.batch,
                    'pretrained': self.options.init is not None,
                },
            )
            save_reader(self.out / READER, cfg, network, training.dtype)
        draw_losses(self.out / 'losses.png', {self.name: progress.losses}, training.evaluation)
        reader = load_reader(self.out / READER, self.processes.device)
        data = self.data if self.validation is None else self.validation
        error = measure_reader(reader, data, training.measured_episodes, self.reports('measuring'))
        summary = {
            'evaluation': training.evaluation,
            'measured_on': 'the training episodes'
            if self.validation is None
            else 'validation episodes',
            'training_seconds': progress.seconds,
            'threads': torch.get_num_threads(),
            'frames_per_second': progress.step * training.stage.batch / progress.seconds,
            'final_loss': progress.final_loss,
            **asdict(error),
        }
        (self.out / METRICS_FILE).write_text(json.dumps(summary, indent=2) + '\n')
        return error
