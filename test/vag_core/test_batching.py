"""How many episodes are sampled together."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vag_core.batching import LARGEST, estimated_batch, free_memory, in_batches

CPU = torch.device('cpu')


def test_the_batch_grows_with_the_free_memory_up_to_a_limit(recipe, monkeypatch):
    sizes = []
    for free in (1, 100_000, 10**12):
        monkeypatch.setattr('vag_core.batching.free_memory', lambda device, free=free: free)
        sizes.append(estimated_batch(recipe.model, CPU, 2))
    assert sizes[0] == 1
    assert sizes[1] in range(2, LARGEST)
    assert sizes[2] == LARGEST


def test_larger_numbers_make_smaller_batches(recipe, monkeypatch):
    monkeypatch.setattr('vag_core.batching.free_memory', lambda device: 100_000)
    assert estimated_batch(recipe.model, CPU, 4) < estimated_batch(recipe.model, CPU, 2)


def test_a_longer_clip_makes_smaller_batches(recipe, monkeypatch):
    monkeypatch.setattr('vag_core.batching.free_memory', lambda device: 100_000)
    longer = dataclasses.replace(recipe.model, frames=17)
    assert estimated_batch(longer, CPU, 2) < estimated_batch(recipe.model, CPU, 2)


def test_the_free_memory_of_this_machine_is_known():
    assert free_memory(CPU) > 2**20


@given(st.lists(st.integers()), st.integers(1, 9), st.integers(1, 9))
def test_every_item_is_done_once_in_order_however_small_the_memory(items, size, fits):
    done = []

    def work(batch):
        if len(batch) > fits:
            raise torch.OutOfMemoryError
        done.append(list(batch))

    assert [list(batch) for batch in in_batches(items, size, work)] == done
    assert [item for batch in done for item in batch] == items


def test_the_batch_is_halved_when_memory_runs_out():
    told = []

    def work(batch):
        if len(batch) > 3:
            raise torch.OutOfMemoryError

    batches = list(in_batches(range(10), 8, work, told.append))
    assert told == [4, 2]
    assert [len(batch) for batch in batches] == [2] * 5


def test_a_cpu_without_memory_counts_too():
    def work(batch):
        if len(batch) > 1:
            torch.empty(1 << 50)

    assert len(list(in_batches(range(2), 2, work))) == 2


def test_one_item_that_does_not_fit_ends_it():
    def work(batch):
        raise torch.OutOfMemoryError('8 GiB')

    with pytest.raises(torch.OutOfMemoryError, match='8 GiB'):
        list(in_batches([1], 1, work))


def test_other_errors_pass():
    def work(batch):
        raise RuntimeError('shapes')

    with pytest.raises(RuntimeError, match='shapes'):
        list(in_batches([1, 2], 2, work))
