"""The smoke training: a small model overfitted to demonstrations, on the CPU, in minutes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vag_core.checkpoint import Checkpoint, CheckpointConfig, load_checkpoint, save_checkpoint
from vag_core.model.normaliser import Normaliser
from vag_core.model.vag import Vag
from vag_core.train.action_stage import collect_estimates, train_action
from vag_core.train.curves import draw_losses
from vag_core.train.demonstrations import Demonstrations
from vag_core.train.loop import OnStep
from vag_core.train.measure import Measurements, measure
from vag_core.train.recipe import Recipe
from vag_core.train.vae_stage import encode_demonstrations, train_vae
from vag_core.train.video_stage import train_video

EVALUATION = 'smoke-trained, not evaluated'
# Shares of a time budget: VAE, video stream, action stream.
SHARES = {'vae': 0.4, 'video': 0.32, 'action': 0.28}

Reporter = Callable[[str], OnStep | None]


def train_smoke(
    recipe: Recipe,
    data: Demonstrations,
    out: Path,
    *,
    seed: int = 0,
    minutes: float | None = None,
    report: Reporter = lambda stage: None,
) -> tuple[Checkpoint, Measurements]:
    """Train all parts on ``data`` and write a checkpoint, loss curves and measurements.

    Args:
        recipe: sizes and optimisation.
        data: the episodes.
        out: new folder; ``checkpoint/``, ``losses.png`` and ``metrics.json`` are written there.
        seed: of the weights and of every draw.
        minutes: budget of the three optimisations together; without one they run all their steps.
        report: gives a callback for each stage, ``vae``, ``video`` and ``action``.

    Raises:
        FileExistsError: ``out`` holds a checkpoint already.
    """
    out = Path(out)
    if (out / 'checkpoint').exists():
        raise FileExistsError(f'{out / "checkpoint"}: exists already, nothing was trained')
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = Vag(recipe.model).eval()
    training = recipe.training
    normaliser = Normaliser.fit(
        data.actions.reshape(-1, data.embodiment.dimension), training.action.minimum_std
    )
    actions = torch.from_numpy(normaliser.normalise(data.actions))

    def options(stage: str) -> dict[str, Any]:
        seconds = None if minutes is None else 60 * minutes * SHARES[stage]
        return {'generator': generator, 'seconds': seconds, 'on_step': report(stage)}

    losses = {'vae': train_vae(model.vae, data, training.vae, **options('vae'))}
    latents = encode_demonstrations(model.vae, data.video)
    text = model.encode_text(data.instructions)
    losses['video'] = train_video(model.video, latents, text, training.video, **options('video'))
    estimates = collect_estimates(model, latents, text, training.action, generator)
    losses['action'] = train_action(
        model, actions, latents, estimates, training.action, **options('action')
    )
    cfg = CheckpointConfig(
        model=recipe.model,
        embodiment=data.embodiment,
        normaliser=normaliser,
        camera=training.camera,
        fps=data.fps,
        evaluation=EVALUATION,
        provenance={
            'episodes': len(data),
            'instructions': sorted(set(data.instructions)),
            'seed': seed,
            'steps': {stage: len(values) for stage, values in losses.items()},
        },
    )
    save_checkpoint(out / 'checkpoint', cfg, model, torch.float16)
    draw_losses(out / 'losses.png', losses, EVALUATION)
    trained = time.monotonic() - started
    checkpoint = load_checkpoint(out / 'checkpoint')
    measured = measure(checkpoint, data)
    summary = {
        'evaluation': EVALUATION,
        'measured_on': 'the training episodes',
        **measured.to_mapping(),
        'training_seconds': trained,
        'threads': torch.get_num_threads(),
        'final_losses': {stage: _tail_mean(values) for stage, values in losses.items()},
    }
    (out / 'metrics.json').write_text(json.dumps(summary, indent=2) + '\n')
    return checkpoint, measured


def _tail_mean(values: list[float], count: int = 50) -> float:
    tail = values[-count:]
    return sum(tail) / len(tail)
