import json

import numpy as np
import pytest

from vag_sim import policy_comparison
from vag_sim.policy_comparison import STAGES, Arm, Training, compare, draw, sign_test, table, train

SCENES = [('lift_cube:left:red', seed) for seed in range(10)]


class Rollouts:
    def __init__(self, successes):
        self._successes = successes

    def successes(self):
        return self._successes


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """Two arms with two seeds that succeed in 2 and 3, and in 6 and 7 of ten scenes."""
    found = []
    for name in ('few', 'more'):
        (tmp_path / 'data' / name / 'a').mkdir(parents=True)
        (tmp_path / 'data' / name / 'a' / 'episode.json').write_text('{}')
        for seed in (0, 1):
            arm = Arm(name, tmp_path / 'data' / name)
            job = Training(arm, seed, (None, None), tmp_path / 'demos', tmp_path)
            for stage in STAGES:
                (job.folder / stage).mkdir(parents=True)
                figures = {'steps': 5, 'training_seconds': 1.0}
                (job.folder / stage / 'metrics.json').write_text(json.dumps(figures))
            found.append(job)

    def evaluations(jobs, scenes):
        for job in jobs:
            count = {'few': 2, 'more': 6}[job.arm.name] + job.seed
            yield Rollouts([k < count for k in range(10)])

    monkeypatch.setattr(policy_comparison, 'evaluations', evaluations)
    return found


def test_a_row_has_share_interval_and_the_paired_comparison_with_earlier_arms(jobs):
    few, more = compare(jobs, SCENES)
    assert (few['arm'], few['episodes'], few['steps']) == ('few', 1, 10)
    assert few['successes_by_seed'] == [2, 3]
    assert few['share'] == pytest.approx(0.25)
    assert few['against'] == {}
    assert (more['against']['few']['more'], more['against']['few']['less']) == (5, 0)
    # The interval is that of ten scenes, not of twenty rollouts.
    assert more['high'] - more['low'] > 0.45


def test_the_sign_test_is_the_exact_binomial_one_without_ties():
    found = sign_test(np.array([1, 1, 1, 0, 1]), np.array([0, 0, 0, 0, 1]))
    assert found == {'more': 3, 'less': 0, 'p': 0.25}
    assert sign_test(np.ones(3), np.ones(3))['p'] == 1.0


def test_the_table_and_the_picture_show_every_arm(jobs, tmp_path):
    rows = compare(jobs, SCENES)
    assert '| few | 1 | 2/10, 3/10 | 25.0 % [' in table(rows)
    assert '5 more, 0 less, p = 0.062' in table(rows)
    draw(rows, 'title', tmp_path / 'results.png')
    assert (tmp_path / 'results.png').read_bytes().startswith(b'\x89PNG')


def test_a_job_trains_both_stages_in_turn_and_leaves_finished_ones_alone(tmp_path, monkeypatch):
    runs = []

    class Run:
        def __init__(self, recipe, data, out, **options):
            runs.append((recipe, data, out, options['init']))

        def train(self):
            (runs[-1][2] / 'policy').mkdir(parents=True)

    monkeypatch.setattr('vag_core.policy.run.PolicyRun', Run)
    job = Training(Arm('few', tmp_path / 'a'), 0, ('r1', 'r2'), tmp_path / 'demos', tmp_path)
    train(job)
    train(job)
    first, second = (job.folder / stage for stage in STAGES)
    assert runs == [
        ('r1', [tmp_path / 'a'], first, None),
        ('r2', [tmp_path / 'demos'], second, first / 'policy'),
    ]
    assert job.policy == second / 'policy'
