"""A training run of a policy, from episodes to its folder; resumable."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from vag_core.configuration import ConfigError, to_mapping
from vag_core.model.normaliser import Normaliser
from vag_core.policy.config import PolicyRecipe
from vag_core.policy.episodes import PolicyEpisodes, load_policy_episodes
from vag_core.policy.network import BehaviourCloning
from vag_core.policy.policy import Policy, PolicyFolder, load_policy, save_policy
from vag_core.policy.samples import fit_normalisers, make_samples, policy_loss
from vag_core.train.cache import Cache, cache_frames
from vag_core.train.curves import draw_losses
from vag_core.train.draws import seed_for
from vag_core.train.engine import Engine, Stage
from vag_core.train.interrupt import Interrupt
from vag_core.train.processes import Processes
from vag_core.train.recipe import Parallel
from vag_core.train.reports import EpisodeReports, OnProgress
from vag_core.train.run_folder import METRICS_FILE, comparable, open_run
from vag_core.train.states import StageProgress, States, weights_of

STAGE = PRODUCT = 'policy'
# What may change between a run and its continuation: it alters no number.
OPERATION = ('workers', 'save_every', 'keep')


@dataclass
class PolicyRun:
    """One run; :meth:`train` does all of it.

    Attributes:
        recipe: sizes and training.
        data: folders of episodes, which are mixed.
        out: receives ``policy/``, ``losses.png`` and ``states/`` to continue from.
        seed: of weights and draws.
        init: policy folder to start from; its normalisers stay.
        cache: folder of decoded videos, to share by runs; None for one in ``out``.
        resume: continue what ``out`` holds; an empty one is begun.
        interrupt: asked between steps and episodes.
        progress: told the activity, how much of it is done, of how much, and the step if any.
    """

    recipe: PolicyRecipe
    data: Sequence[Path]
    out: Path
    seed: int = 0
    init: Path | None = None
    cache: Path | None = None
    resume: bool = False
    interrupt: Interrupt = field(default_factory=Interrupt)
    progress: OnProgress = lambda activity, done, total, report: None

    def __post_init__(self) -> None:
        """Prepare what the work on episodes reports to."""
        self.reports = EpisodeReports(self.progress, self.interrupt)

    def train(self) -> Path:
        """Train and return the policy's folder.

        Raises:
            FileExistsError: ``out`` holds a policy, or a run that is not to be resumed.
            ConfigError: the run to resume is another one, or the start does not fit.
            ValueError: an episode does not fit.
            DivergedError: of the training.
            Interrupted: the state so far is on disk.
        """
        recipe, training = self.recipe, self.recipe.training
        start = None if self.init is None else self._start()
        data = load_policy_episodes(
            self.data, recipe.model, training.camera, self.reports('episodes')
        )
        if start is not None and start.config.embodiment != data.clips.embodiment:
            raise ConfigError(
                f'{self.init}: embodiment = {start.config.embodiment.name}, the data has '
                f'{data.clips.embodiment.name}'
            )
        processes = Processes(training.precision, Parallel.DDP, cpu=True)
        states = States(self.out / 'states', training.keep)
        open_run(
            self.out,
            self._about(data, start),
            resume=self.resume,
            product=PRODUCT,
            states=states,
            processes=processes,
        )
        if start is None:
            normalisers, network = fit_normalisers(data, recipe), self._network()
        else:
            normalisers = start.config.states, start.config.targets
            network = start.network
        if states.finished(STAGE) is None:
            stage = self._stage(data, network, normalisers, processes)
            Engine(
                processes=processes,
                states=states,
                guard=training.guard,
                save_every=training.save_every,
                workers=training.workers,
                interrupt=self.interrupt,
                report=lambda report: self.progress(STAGE, report.step, report.steps, report),
            ).train(stage)
        spent, weights = states.finished(STAGE)
        network.load_state_dict(weights_of(STAGE, weights))
        return self._conclude(data, network, normalisers, spent, start)

    def _stage(
        self,
        data: PolicyEpisodes,
        network: BehaviourCloning,
        normalisers: tuple[Normaliser, Normaliser],
        processes: Processes,
    ) -> Stage:
        cache = Cache(self.cache or self.out / 'cache', processes, self.reports)
        frames = cache_frames(data.clips, cache)
        return Stage(
            name=STAGE,
            cfg=self.recipe.training.stage,
            parts={STAGE: network},
            loss=lambda batch: policy_loss(
                network(batch['image'], batch['state'], batch['sentence']), batch
            ),
            samples=make_samples(data, frames, normalisers, self.recipe, self.seed),
            episodes=data.clips.names,
        )

    def _conclude(
        self,
        data: PolicyEpisodes,
        network: BehaviourCloning,
        normalisers: tuple[Normaliser, Normaliser],
        spent: StageProgress,
        start: Policy | None,
    ) -> Path:
        """Write the curve, the figures and, last, the policy."""
        draw_losses(self.out / 'losses.png', {STAGE: spent.losses}, f'{len(data.clips)} episodes')
        figures = {
            'training_seconds': round(spent.seconds, 1),
            'steps': spent.step,
            'final_loss': spent.final_loss,
            'threads': torch.get_num_threads(),
        }
        (self.out / METRICS_FILE).write_text(json.dumps(figures, indent=2) + '\n')
        cfg = PolicyFolder(
            policy=self.recipe.model,
            embodiment=data.clips.embodiment,
            states=normalisers[0],
            targets=normalisers[1],
            camera=self.recipe.training.camera,
            fps=data.clips.fps,
            provenance={
                'episodes': len(data.clips),
                'data': [Path(root).name for root in self.data],
                'seed': self.seed,
                'steps': spent.step,
                **({} if start is None else {'init': start.name, 'init_hash': start.hash}),
            },
        )
        return save_policy(self.out / PRODUCT, cfg, network)

    def _start(self) -> Policy:
        start = load_policy(self.init)
        # How many of the predicted actions are carried out does not change the network.
        mine, theirs = (
            to_mapping(replace(cfg, action=replace(cfg.action, execute=1)))
            for cfg in (self.recipe.model, start.config.policy)
        )
        for name, expected in mine.items():
            if theirs[name] != expected:
                raise ConfigError(
                    f'{self.init}: {name} = {theirs[name]}, the recipe has {expected}'
                )
        return start

    def _network(self) -> BehaviourCloning:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(self.seed, 'weights'))
            return BehaviourCloning(self.recipe.model)

    def _about(self, data: PolicyEpisodes, start: Policy | None) -> dict[str, Any]:
        """Return what a continued run must have in common with its beginning."""
        init = None if start is None else start.hash
        return {
            'seed': self.seed,
            'init': init,
            'episodes': data.clips.names,
            **comparable(self.recipe, OPERATION),
        }
