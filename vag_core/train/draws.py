"""Random draws that depend on what they are for, and on nothing that was drawn before.

Every sample of every step has a generator of its own. So a resumed run draws what an
uninterrupted one would have drawn, and a run of several processes what one process would.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch.utils.data import Sampler

from vag_core.train.optimisation import StageConfig


class SampleKey(NamedTuple):
    """A sample: the optimiser step from 1, and its place in that step's batch from 0."""

    step: int
    place: int


def seed_for(*purpose: object) -> int:
    """Return a seed in [0, 2^63) for a purpose: numbers and strings, the run's seed first."""
    digest = hashlib.sha256('\0'.join(map(str, purpose)).encode()).digest()
    return int.from_bytes(digest[:8], 'big') >> 1


def generator_for(*purpose: object) -> torch.Generator:
    """Return a new CPU generator for a purpose."""
    return torch.Generator('cpu').manual_seed(seed_for(*purpose))


class KeySampler(Sampler):
    """The keys of every pass of one process, from step ``first`` on."""

    def __init__(self, cfg: StageConfig, first: int, process: int, processes: int) -> None:
        self.cfg = cfg
        self.first = first
        self.process = process
        self.size = cfg.passes(processes)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        start = self.process * self.size * self.cfg.accumulate
        for step in range(self.first, self.cfg.steps + 1):
            for number in range(self.cfg.accumulate):
                place = start + number * self.size
                yield [SampleKey(step, place + k) for k in range(self.size)]

    def __len__(self) -> int:
        return (self.cfg.steps + 1 - self.first) * self.cfg.accumulate
