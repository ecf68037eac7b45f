"""Results outlive an interruption and are not mixed with those of other weights."""

from dataclasses import replace

import pytest

from vag_sim.evaluation.methods import Method, Source
from vag_sim.evaluation.results import append_results, read_results
from vag_sim.evaluation.scenes import EvaluationScene
from vag_sim.evaluation.work import plan_jobs


def method(name, source=Source.MODEL, identity='abc'):
    return Method(name, source, None, identity)


SCENES = [EvaluationScene('scenes', 'lift_cube', seed) for seed in range(2)]
METHODS = [method('demonstration', Source.DEMONSTRATION, ''), method('vag')]


def test_results_are_read_back_as_they_were_added(tmp_path, plain):
    file = tmp_path / 'out' / 'results.jsonl'
    assert read_results(file) == []
    second = replace(plain, seed=1, target_error_mm=None, psnr=21.5)
    append_results(file, [plain])
    append_results(file, [second])
    assert read_results(file) == [plain, second]


def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_not_lost(tmp_path, plain):
    file = tmp_path / 'results.jsonl'
    append_results(file, [plain])
    with file.open('a') as torn:
        torn.write('{"method": "va')
    assert read_results(file) == [plain]
    second = replace(plain, seed=1)
    append_results(file, [second])
    assert read_results(file) == [plain, second]


def test_a_file_of_something_else_is_refused(tmp_path):
    file = tmp_path / 'results.jsonl'
    file.write_text('{"loss": 0.1}\n')
    with pytest.raises(ValueError, match=r'results\.jsonl, line 1: no result of this release'):
        read_results(file)


def test_only_what_has_no_result_is_planned(tmp_path, plain):
    demonstrated = replace(plain, method='demonstration', identity='')
    jobs = plan_jobs(SCENES, 1, METHODS, [plain, demonstrated], tmp_path)
    assert [job.scene.seed for job in jobs] == [1]
    jobs = plan_jobs(SCENES, 1, METHODS, [plain], tmp_path)
    assert [[m.name for m in job.methods] for job in jobs] == [
        ['demonstration'],
        ['demonstration', 'vag'],
    ]


def test_further_sampler_seeds_are_planned_for_what_samples_alone(tmp_path):
    jobs = plan_jobs(SCENES, 3, METHODS, [], tmp_path)
    assert len(jobs) == 6
    assert all([m.name for m in job.methods] == ['vag'] for job in jobs if job.sampler_seed)


def test_results_of_other_weights_are_not_mixed_in(tmp_path, plain):
    with pytest.raises(ValueError, match='holds results of vag with other weights'):
        plan_jobs(SCENES, 1, [method('vag', identity='def')], [plain], tmp_path)
