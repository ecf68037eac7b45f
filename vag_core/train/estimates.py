"""The video stream's own clean estimates, kept on disk to train the action stream on."""

import hashlib
from dataclasses import replace

import torch
from torch import Tensor

from vag_core import flow
from vag_core.model.vag import Vag
from vag_core.sample import SamplerConfig, denoise, draw_noise
from vag_core.train.cache import Cache, EpisodeFiles, key_of, weights_key
from vag_core.train.draws import generator_for, seed_for
from vag_core.train.noise import sample_times
from vag_core.train.recipe import ActionTraining
from vag_core.train.samples import Clips, Item

BATCH = 8


def estimates_per_episode(model: Vag, cfg: ActionTraining) -> int:
    """Return how many estimates :func:`cache_estimates` keeps of each episode."""
    return cfg.estimates + cfg.rollouts * len(_sampler(model, cfg).times)


def _sampler(model: Vag, cfg: ActionTraining) -> SamplerConfig:
    """Return the sampler of the rollouts, so that it yields estimates at every time."""
    own = model.cfg.sampler
    return replace(own, final_clean=True, steps=cfg.rollout_steps or own.steps)


def cache_estimates(
    model: Vag, clips: Clips, cfg: ActionTraining, seed: int, cache: Cache
) -> EpisodeFiles | None:
    """Let the video stream estimate every episode, in one step and in real samplings.

    Each file holds ``time`` (M,) and ``latent`` (M, C, T', h, w) bfloat16; None where the
    configuration asks for none.
    """
    if cfg.true_share == 1 or not estimates_per_episode(model, cfg):
        return None
    parts = (cfg.noise, cfg.estimates, cfg.rollouts, _sampler(model, cfg), seed)
    streams = [part for part in (model.video, model.coupling) if part is not None]
    key = key_of(*map(weights_key, streams), clips.latents.paths[0].parent.name, *parts)
    # What the video stream is told is part of a name: an episode may get another instruction.
    told = ('text',) if model.coupling is None else ('text', 'actions', 'start_state')
    names = [
        f'{path.stem}-{_digest(clips.conditions(index), told)}'
        for index, path in enumerate(clips.latents.paths)
    ]
    files = EpisodeFiles(cache.folder / f'estimates-{key}', names)

    def make(episode: int) -> Item:
        with cache.processes.frozen(*streams):
            return _estimate(model, clips, episode, cfg, seed)

    if files.missing():
        for part in streams:
            part.to(cache.processes.device)
    return cache.fill(files, make, 'estimating')


def _digest(conditions: Item, names: tuple[str, ...]) -> str:
    content = b''.join(conditions[name].numpy().tobytes() for name in names)
    return hashlib.sha256(content).hexdigest()[:12]


def _estimate(model: Vag, clips: Clips, episode: int, cfg: ActionTraining, seed: int) -> Item:
    device = next(model.video.parameters()).device
    generator = generator_for(seed, 'estimates', episode)
    clean = clips.latent(episode).to(device)[None]
    conditions = clips.conditions(episode)
    text, actions = (conditions[name].to(device)[None] for name in ('text', 'actions'))
    times = sample_times(cfg.noise, cfg.estimates, clean.shape[2], generator)
    latents: list[Tensor] = []
    for part in times.split(BATCH):
        count = len(part)
        noise = torch.randn(count, *clean.shape[1:], generator=generator).to(device)
        action_noise = torch.randn(count, *actions.shape[1:], generator=generator).to(device)
        part = part.to(device)  # noqa: PLW2901
        estimate = model.estimate_video(
            flow.noisy_sample(clean, noise, part[:, None, None, None, None]),
            part,
            clean[:, :, :1].expand(count, -1, -1, -1, -1),
            text.expand(count, -1, -1),
            actions=flow.noisy_sample(actions, action_noise, part[:, None, None]),
            action_times=part,
        )
        latents.append(estimate.bfloat16().cpu())
    met = [times]
    for number in range(cfg.rollouts):
        noise = draw_noise(model, [seed_for(seed, 'rollout', episode, number) % 2**31])
        video, action_noise = (value.to(device) for value in noise)
        # The video stream needs the actions only where it sees them.
        sampled = action_noise if model.coupling is not None else None
        start = conditions['start_state'].to(device)[None]
        for found in denoise(
            model, clean[:, :, :1], text, (video, sampled), _sampler(model, cfg), start_state=start
        ):
            latents.append(found.seen.bfloat16().cpu())
            met.append(torch.full((1,), found.t))
    return {'time': torch.cat(met).float(), 'latent': torch.cat(latents)}
