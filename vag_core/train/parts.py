"""The model of a run, put together from what it starts with and the stages that are finished."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from vag_core.checkpoint import CheckpointConfig, load_checkpoint
from vag_core.configuration import ConfigError
from vag_core.model.vae import LightVae
from vag_core.model.vag import Vag, make_action, make_coupling
from vag_core.train.cache import EpisodeFiles
from vag_core.train.draws import seed_for
from vag_core.train.lora import LoraConfig, add_adapters, merge_adapters
from vag_core.train.recipe import Recipe, Training, Tune
from vag_core.train.states import weights_of

STATISTICS_EPISODES = 64


def check_start(training: Training, init: Path | None) -> None:
    """Raise ConfigError where a part would keep random weights."""
    if init is not None:
        return
    adapted = training.joint is not None and training.joint.video.tune is not Tune.FULL
    full = training.joint is not None and not adapted
    video = training.video is not None and training.video.loss.tune is Tune.FULL
    for part, trained in (('vae', training.vae is not None), ('video', full or video)):
        if not trained:
            raise ConfigError(
                f'training: {part} is neither trained in full nor given; '
                'name a checkpoint to start from with --init'
            )


def start_model(
    recipe: Recipe, init: Path | None, seed: int
) -> tuple[Vag, CheckpointConfig | None]:
    """Return the model before any stage, float32 on the CPU, and the checkpoint it comes from.

    Raises:
        ConfigError: the checkpoint's model is another one; the part is named.
    """
    cfg = recipe.model
    if init is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, 'weights'))
            model = Vag(cfg).eval()
            model.video.network.initialise()
        return model, None
    found = load_checkpoint(init, 'cpu', torch.float32)
    for part in ('frames', 'height', 'width', 'image_fit', 'vae', 'text', 'video'):
        expected, value = getattr(cfg, part), getattr(found.config.model, part)
        if expected != value:
            raise ConfigError(f'{init}: {part} = {value}, the recipe has {expected}')
    model = found.model
    model.cfg = cfg
    if not keeps_action(recipe, found.config):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, 'weights'))
            model.action, model.coupling = make_action(cfg), make_coupling(cfg)
    return model, found.config


def keeps_action(recipe: Recipe, start: CheckpointConfig | None) -> bool:
    """Return whether the action stream, and so its normaliser, comes from the start."""
    return (
        start is not None
        and start.action_seed is None
        and start.model.action == recipe.model.action
        and start.model.coupling == recipe.model.coupling
    )


def adapters_of(training: Training, stage: str) -> LoraConfig | None:
    """Return the adapters that a stage puts on the video stream, or None."""
    cfg = getattr(training, stage)
    loss = {'video': lambda: cfg.loss, 'joint': lambda: cfg.video}.get(stage)
    return loss().lora if loss is not None and loss().tune is Tune.LORA else None


def trained_parts(model: Vag, training: Training, stage: str) -> dict[str, nn.Module]:
    """Return the modules that a stage trains, by their name in the model."""
    coupling = {} if model.coupling is None else {'coupling': model.coupling}
    if stage == 'joint':
        frozen = training.joint.video.tune is Tune.FROZEN
        # What couples the actions to a frozen video stream has no gradient.
        streams = {} if frozen else {'video': model.video, **coupling}
        return {**streams, 'action': model.action}
    return {
        'vae': {'vae': model.vae},
        'video': {'video': model.video, **coupling},
        'action': {'action': model.action},
    }[stage]


def take_weights(
    model: Vag, training: Training, stage: str, weights: dict[str, Tensor], seed: int
) -> None:
    """Put what a stage ended with into the model; adapters are merged."""
    adapters = adapters_of(training, stage)
    if adapters is not None:
        add_adapters(model.video.network, adapters, seed_for(seed, 'lora'))
    for name, part in trained_parts(model, training, stage).items():
        mine = weights_of(name, weights)
        strict = adapters is None or name != 'video'
        # Buffers that are constants are in a state too; adapters come without their base.
        part.load_state_dict(mine, strict=strict)
    if adapters is not None:
        merge_adapters(model.video.network)


@torch.no_grad()
def set_statistics(vae: LightVae, frames: EpisodeFiles) -> None:
    """Normalise the VAE's latents by those of up to ``STATISTICS_EPISODES`` episodes."""
    stride = -(-len(frames) // STATISTICS_EPISODES)
    means = []
    for index in range(0, len(frames), stride):
        groups = vae.group(frames.read(index, 'video')[None].transpose(1, 2))[0]
        means += [vae.posterior(part.float() / 127.5 - 1)[0] for part in groups.split(64)]
    found = torch.cat(means)
    vae.normalise_to(found.mean((0, 2, 3)), found.std((0, 2, 3)))


def median_picture(frames: EpisodeFiles, length: int, pictures: int = 64) -> Tensor:
    """Return the (3, H, W) median over about ``pictures`` frames of all episodes."""
    total = len(frames) * length
    chosen: Iterable[int] = range(0, total, max(1, total // pictures))
    rows = [frames.rows(i // length, 'video', i % length, i % length + 1) for i in chosen]
    return torch.cat(rows).median(dim=0).values
