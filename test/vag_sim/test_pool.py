import os

import cv2
import pytest
import torch

from vag_sim import pool
from vag_sim.pool import run_parallel


def threads(job):
    return job, os.getpid(), torch.get_num_threads()


def test_one_worker_is_this_process_with_one_thread_while_it_works():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert list(run_parallel(threads, [1, 2], 1)) == [(k, os.getpid(), 1) for k in (1, 2)]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_other_processes_have_one_thread_each():
    found = list(run_parallel(threads, [1, 2], 2))
    assert sorted(job for job, *_ in found) == [1, 2]
    assert all(pid != os.getpid() and count == 1 for _, pid, count in found)


def test_a_process_that_has_loaded_torch_already_has_one_thread_too(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(2)
    try:
        pool._one_thread()
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def fail(job):
    raise ValueError(f'job {job}')


def test_a_failing_job_ends_it_in_another_process_too():
    with pytest.raises(ValueError, match='job'):
        list(run_parallel(fail, [1, 2], 2))
