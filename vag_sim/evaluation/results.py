"""Results: one for each method, scene and sampler seed, a line of JSON each in a growing file."""

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path

FILE = 'results.jsonl'
LARGEST_PSNR = 58.9
"""PSNR of an error of 1/12 grey level squared, dB: rounding to 8 bits; equal videos get it too."""

Key = tuple[str, str, int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One method in one scene with one sampler seed; docs/evaluation.md defines each figure.

    Attributes:
        method: name of the method.
        identity: hash of the weights that made it, so that results of others are not mixed in.
        split, task, seed, sampler_seed: what it was run on.
        instruction: what was asked for.
        arms: arms of the goal; ``target`` and ``container`` its objects.
        success: of the replay in the twin.
        refused: why nothing was replayed, else empty.
        accepted: whether the replay server's whole planning accepts the actions, with clearance
            and time scale; asked for a model's own actions only.
        moved_arms: arms that moved in the replay; ``right_arm``: they are the goal's.
        chosen: object that was taken or gone for; ``right_object``: it is the target.
        target_error_mm: aim at the target; None for a refused replay.
        distance, entries_within, frames_within: of ActionErrors in rad and m; ``strokes_*`` with
            grippers scaled 0-1 by stroke.
        psnr, ssim, psnr_moving, ssim_moving: the video against the demonstration's; None for a
            method that makes no video.
        moving_gain: ``psnr_moving`` less that of the first frame, repeated, dB.
        consistency: PSNR of the replay's film against the video where either moves, dB.
        inference_s: seconds until the actions were there; None for a method that infers none.
    """

    method: str
    identity: str
    split: str
    task: str
    seed: int
    sampler_seed: int
    instruction: str
    arms: tuple[str, ...]
    target: str
    container: str
    success: bool
    refused: str
    moved_arms: tuple[str, ...]
    right_arm: bool
    chosen: str
    right_object: bool
    target_error_mm: float | None
    distance: float
    entries_within: float
    frames_within: float
    strokes_distance: float
    strokes_entries_within: float
    strokes_frames_within: float
    psnr: float | None = None
    ssim: float | None = None
    psnr_moving: float | None = None
    ssim_moving: float | None = None
    moving_gain: float | None = None
    consistency: float | None = None
    inference_s: float | None = None
    accepted: bool | None = None

    @property
    def robot_success(self) -> bool | None:
        """Whether the robot would have carried it out and succeeded."""
        return None if self.accepted is None else self.accepted and self.success

    @property
    def key(self) -> Key:
        """What no two results share: method, task, seed, sampler seed."""
        return self.method, self.task, self.seed, self.sampler_seed


def append_results(path: Path, results: Iterable[Result]) -> None:
    """Add a line for each result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(dataclasses.asdict(r), allow_nan=False) + '\n' for r in results]
    with path.open('ab+') as file:
        # An interrupted write may have left a line without its end.
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        torn = file.read() not in (b'', b'\n')
        file.write((b'\n' if torn else b'') + ''.join(lines).encode())


def read_results(path: Path) -> list[Result]:
    """Return the results of a file, none where there is no file; an unfinished line is left out.

    Raises:
        ValueError: a line holds something else; file and line are named.
    """
    if not path.exists():
        return []
    results: dict[Key, Result] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            fields = json.loads(line)
        except json.JSONDecodeError:
            continue
        try:
            result = Result(**fields)
        except TypeError as error:
            raise ValueError(
                f'{path}, line {number}: no result of this release ({error}); take another folder'
            ) from None
        result = dataclasses.replace(
            result, arms=tuple(result.arms), moved_arms=tuple(result.moved_arms)
        )
        results[result.key] = result
    return list(results.values())
