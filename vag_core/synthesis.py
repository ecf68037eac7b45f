"""Many episodes into one folder: in batches, each written whole, going on where it stopped."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vag_core.batching import in_batches
from vag_core.checkpoint import Checkpoint
from vag_core.draw import draw_episode
from vag_core.episode import Episode, save_episode
from vag_core.generate import Generated, OnProgress, Request, generate
from vag_core.jobs import Job
from vag_core.provenance import of_generation


@dataclass(frozen=True, eq=False)
class Item:
    """One episode to make: its name, what was asked for and what the sampler is given."""

    name: str
    job: Job
    request: Request


def missing(items: Sequence[Item], out: Path) -> list[Item]:
    """Return the items whose episode folder is not in ``out`` yet."""
    return [item for item in items if not (out / item.name).exists()]


def synthesise(
    checkpoint: Checkpoint,
    items: Sequence[Item],
    out: Path,
    batch: int,
    *,
    on_progress: Callable[[int], OnProgress] | None = None,
    on_smaller: Callable[[int], None] = lambda size: None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Path]:
    """Generate ``items`` and yield each episode's folder when it is whole.

    Args:
        checkpoint: the loaded model.
        items: none of them in ``out`` yet.
        out: receives a folder per episode.
        batch: episodes sampled together; halved when memory runs out.
        on_progress: makes a progress callback for a batch of this size.
        on_smaller: told the new size of batches.
        cancelled: asked before every step; episodes that are sampled already are still written.

    Raises:
        GenerationCancelled: ``cancelled`` returned True.
        RuntimeError: memory does not suffice for one episode.
    """
    made: list[Generated] = []

    def sample(items: Sequence[Item]) -> None:
        report = on_progress(len(items)) if on_progress is not None else None
        requests = [item.request for item in items]
        made[:] = generate(checkpoint, requests, report, cancelled, preview=False)

    for done in in_batches(items, batch, sample, on_smaller):
        for item, generated in zip(done, made, strict=True):
            yield _write(checkpoint, item, generated, out)


def _write(checkpoint: Checkpoint, item: Item, generated: Generated, out: Path) -> Path:
    if (out / item.name).exists():
        # Another process works on the same folder and was first; its episode is the same one.
        return out / item.name
    episode = Episode(
        episode_id=item.name,
        instruction=item.job.instruction,
        fps=checkpoint.fps,
        embodiment=checkpoint.embodiment,
        actions=generated.actions,
        videos={checkpoint.camera: generated.video},
        stamp_ns=time.time_ns(),
        conditioning_image=item.job.image.read_bytes(),
        provenance={
            **of_generation(checkpoint, item.request, generated),
            'image_file': item.job.image.name,
        },
    )
    return save_episode(episode, out / item.name, draw_episode)
