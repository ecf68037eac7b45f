"""A training run of a policy, from episodes to its folder; resumable."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from vag_core.configuration import ConfigError, to_mapping
from vag_core.files import write_whole
from vag_core.model.text import make_text
from vag_core.policy.config import PolicyRecipe
from vag_core.policy.episodes import PolicyEpisodes, load_policy_episodes
from vag_core.policy.network import BehaviourCloning
from vag_core.policy.policy import Policy, PolicyFolder, load_policy, save_policy
from vag_core.policy.samples import fit_normalisers, make_samples, policy_loss
from vag_core.train.cache import Cache, cache_frames
from vag_core.train.curves import draw_losses
from vag_core.train.draws import seed_for
from vag_core.train.engine import Engine, Stage, StepReport
from vag_core.train.interrupt import Interrupt
from vag_core.train.processes import Processes
from vag_core.train.recipe import Parallel
from vag_core.train.states import States

STAGE = 'policy'
RUN_FILE = 'run.json'
# What may change between a run and its continuation: it alters no number.
OPERATION = ('workers', 'save_every', 'keep')

OnProgress = Callable[[str, int, int, StepReport | None], None]


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
        folder = self.out / 'policy'
        if folder.exists():
            raise FileExistsError(f'{folder}: exists already, nothing was trained')
        start = None if self.init is None else self._start()
        data = load_policy_episodes(
            self.data, recipe.model, training.camera, self._report('episodes')
        )
        if start is not None and start.config.embodiment != data.embodiment:
            raise ConfigError(
                f'{self.init}: embodiment = {start.config.embodiment.name}, the data has '
                f'{data.embodiment.name}'
            )
        self._open(data)
        processes = Processes(training.precision, Parallel.DDP, cpu=True)
        states = States(self.out / 'states', training.keep)
        states.clean()
        network = self._network() if start is None else start.network
        normalisers = (
            fit_normalisers(data, recipe)
            if start is None
            else (start.config.states, start.config.targets)
        )
        if states.finished(STAGE) is None:
            cache = Cache(self.cache or self.out / 'cache', processes, self._report)
            samples = make_samples(
                data,
                cache_frames(data, cache),
                make_text(recipe.model.text),
                normalisers,
                recipe,
                self.seed,
            )
            stage = Stage(
                name=STAGE,
                cfg=training.stage,
                parts={STAGE: network},
                loss=lambda batch: policy_loss(
                    network(batch['image'], batch['state'], batch['sentence']), batch
                ),
                samples=samples,
                episodes=data.names,
            )
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
        prefix = f'parts.{STAGE}.'
        network.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items()})
        draw_losses(self.out / 'losses.png', {STAGE: spent.losses}, f'{len(data)} episodes')
        cfg = PolicyFolder(
            policy=recipe.model,
            embodiment=data.embodiment,
            states=normalisers[0],
            targets=normalisers[1],
            camera=training.camera,
            fps=data.fps,
            provenance={
                'episodes': len(data),
                'data': [Path(root).name for root in self.data],
                'seed': self.seed,
                'steps': spent.step,
                'seconds': round(spent.seconds, 1),
                **({} if start is None else {'init': start.name, 'init_hash': start.hash}),
            },
        )
        return save_policy(folder, cfg, network)

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

    def _open(self, data: PolicyEpisodes) -> None:
        """Check and mark the folder of the run."""
        file, about = self.out / RUN_FILE, self._about(data)
        if file.exists():
            if not self.resume:
                raise FileExistsError(f'{self.out}: holds a run; --resume continues it')
            found = json.loads(file.read_text())
            differing = [key for key in about if about[key] != found.get(key)]
            if differing:
                raise ConfigError(f'{file}: the run was begun with another {", ".join(differing)}')
        write_whole(file, (json.dumps(about, indent=2) + '\n').encode())

    def _about(self, data: PolicyEpisodes) -> dict[str, Any]:
        """Return what a continued run must have in common with its beginning."""
        recipe = to_mapping(self.recipe)
        for name in OPERATION:
            recipe['training'].pop(name)
        init = None if self.init is None else load_policy(self.init).hash
        about = {'seed': self.seed, 'init': init, 'episodes': data.names, **recipe}
        return json.loads(json.dumps(about))

    def _report(self, activity: str) -> Callable[[int, int], None]:
        def on_episode(done: int, total: int) -> None:
            self.progress(activity, done, total, None)
            self.interrupt.check(activity)

        return on_episode
