"""The report for programs and for people."""

import json
from dataclasses import replace

import pytest

from vag_sim.evaluation.aggregate import aggregate
from vag_sim.evaluation.report import markdown, recorded_rows, report_of, write_report

ABOUT = {'checkpoint': {'name': 'small', 'hash': 'abc'}}


@pytest.fixture
def rows(plain):
    failed = replace(plain, seed=1, success=False, chosen='', target_error_mm=None, refused='far')
    return aggregate([plain, failed, replace(plain, method='mean_action', success=False)])


def test_tables_show_values_with_intervals_and_a_dash_for_what_is_missing(rows):
    text = markdown(rows, 'Evaluation of small', ['A note.'])
    assert '| vag | 2 x 1 | 50 (9 to 91) |' in text
    assert '| mean action | 1 x 1 | 0 (0 to 79) |' in text
    assert '| vag | red_cube | red_cube 1, refused 1 |' in text
    assert '| vag | 0 of 1 | 0 of 0 | 0 of 0 | 1 of 1 |' in text
    assert 'A note.' in text


def test_rows_that_were_not_measured_are_taken_from_the_record_and_marked(tmp_path, rows):
    write_report(tmp_path, report_of(rows, ABOUT), '')
    now = [row for row in rows if row.method == 'vag']
    found = recorded_rows(tmp_path / 'report.json', 'abc', now)
    assert {row.method for row in found} == {'mean_action'}
    assert all(row.recorded for row in found)
    assert '| mean action (recorded) | 1 x 1 | 0 (0 to 79) |' in markdown([*now, *found], '', [])
    assert recorded_rows(tmp_path / 'none.json', 'abc', now) == []


def test_a_record_of_another_checkpoint_is_refused(tmp_path, rows):
    write_report(tmp_path, report_of(rows, ABOUT), '')
    with pytest.raises(ValueError, match=r'checkpoint\.hash = abc, the checkpoint has def'):
        recorded_rows(tmp_path / 'report.json', 'def', [])


def test_a_record_that_is_no_report_is_refused(tmp_path):
    file = tmp_path / 'report.json'
    file.write_text(json.dumps({'rows': []}))
    with pytest.raises(ValueError, match='not a report'):
        recorded_rows(file, 'abc', [])
