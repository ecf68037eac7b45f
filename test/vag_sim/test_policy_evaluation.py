import json

import pytest

from vag_sim import policy_evaluation
from vag_sim.policy_evaluation import plan_evaluation, share_text
from vag_sim.rollout import Rollout

SCENES = [('lift_cube:left', 1), ('lift_cube:left', 2), ('lift_tray', 1)]


@pytest.fixture
def policy(monkeypatch, tmp_path):
    """A policy that succeeds where the seed is 1; no twin is needed."""

    class Loaded:
        hash = 'abc'

    def run(folder, scene):
        return Rollout(*scene, 'lift', success=scene[1] == 1, looks=12)

    monkeypatch.setattr('vag_core.policy.policy.load_policy', lambda folder: Loaded)
    monkeypatch.setattr(policy_evaluation, '_run', run)
    return tmp_path / 'policy'


def test_it_counts_successes_by_task_with_intervals(policy, tmp_path):
    work = plan_evaluation(policy, SCENES, tmp_path)
    assert len(list(work.run(1))) == 3
    summary = work.summarise()
    assert summary['splits'] == ['scenes']
    assert summary['shares']['all']['successes'] == 2
    assert summary['shares']['lift_tray']['share'] == 1.0
    # Wilson (1927) for 1 of 2.
    assert summary['shares']['lift_cube:left']['low'] == pytest.approx(0.0945, abs=1e-3)
    assert share_text(summary['shares']['lift_cube:left']) == '1/2, 50.0 % [9.5, 90.5]'


def test_finished_scenes_are_kept_and_a_line_that_was_cut_off_is_made_again(policy, tmp_path):
    work = plan_evaluation(policy, SCENES[:2], tmp_path)
    list(work.run(1))
    file = tmp_path / policy_evaluation.FILE
    file.write_text(file.read_text()[:-20])
    again = plan_evaluation(policy, SCENES, tmp_path)
    assert list(again.missing) == SCENES[1:]
    list(again.run(1))
    assert again.summarise()['shares']['all']['scenes'] == 3


def test_results_of_another_policy_are_not_mixed_in(policy, tmp_path):
    line = {'policy_hash': 'other', 'task': 'lift_tray', 'seed': 1}
    (tmp_path / policy_evaluation.FILE).write_text(json.dumps(line) + '\n')
    with pytest.raises(ValueError, match='of another policy: choose another folder'):
        plan_evaluation(policy, SCENES, tmp_path)


def test_a_summary_of_what_is_not_whole_is_refused(policy, tmp_path):
    work = plan_evaluation(policy, SCENES, tmp_path)
    with pytest.raises(ValueError, match='3 scenes have no result'):
        work.summarise()


@pytest.mark.parametrize(('scene', 'message'), [(('fly', 1), 'task'), (('lift_tray', -1), 'seed')])
def test_unknown_scenes_are_refused(policy, tmp_path, scene, message):
    with pytest.raises(ValueError, match=message):
        plan_evaluation(policy, [scene], tmp_path)
