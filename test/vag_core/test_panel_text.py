import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from vag_core.panel import Situation
from vag_core.panel_text import WIDTH, Report, lines

SHOWN = Situation(
    phase='AWAITING_APPROVAL',
    armed=True,
    plan_id='p1',
    plan_episode_id='e1',
    episode_id='e1',
    instruction='lift',
    reported=True,
)
PLAN = Report(duration=9.4, time_scale=1.25, clamped='a 3', min_distance=0.085, bodies='a / table')


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_line_is_wider_than_the_board(instruction, message):
    situation = dataclasses.replace(SHOWN, instruction=instruction)
    for line in lines(situation, '', dataclasses.replace(PLAN, message=message)):
        assert len(line) <= WIDTH


def test_a_plan_on_show_tells_what_was_changed_how_near_it_comes_and_what_differs():
    text = lines(dataclasses.replace(SHOWN, warnings=('the scene has changed',)), '', PLAN)
    assert text[0] == 'PLAN ON SHOW: look, then approve  |  armed'
    assert 'plan ...p1: 9.4 s, slowed 1.25 x to stay within limits' in text
    assert 'clamped points: a 3' in text
    assert 'clearance: 85 mm, a / table' in text
    assert 'WARNING: the scene has changed' in text


def test_an_approved_plan_says_what_the_next_click_does():
    assert lines(SHOWN, 'p1', PLAN)[0].startswith('APPROVED: REPLAY moves the arms')


def test_two_plans_are_told_apart_by_the_tails_of_their_ids():
    first, second = (
        lines(dataclasses.replace(SHOWN, plan_id=f'0123456789{tail}'), '', PLAN)
        for tail in ('ab', 'cd')
    )
    assert set(first) - set(second) == {'plan ...89ab: 9.4 s, slowed 1.25 x to stay within limits'}


def test_a_stop_that_nobody_answers_is_told_before_all_but_the_state():
    alarm = 'vag/stop: NO ANSWER for 3 s'
    assert lines(SHOWN, '', dataclasses.replace(PLAN, alarm=alarm))[1] == alarm


def test_a_generation_tells_its_last_progress_as_long_as_it_runs():
    running = dataclasses.replace(SHOWN, phase='IDLE', generating=True)
    report = Report(progress='denoising 3/10')
    assert lines(running, '', report)[0].endswith('generating: denoising 3/10')
    assert 'generating' not in lines(dataclasses.replace(running, generating=False), '', report)[0]


def test_a_latch_names_its_reason():
    situation = dataclasses.replace(
        SHOWN, phase='LATCHED', latched=True, latch_reason='vag/stop was called'
    )
    assert 'LATCHED: vag/stop was called' in lines(situation, '', PLAN)


def test_a_long_checklist_is_read_in_full():
    checklist = 'vag/arm refused: first see to it that ' + '; '.join(
        f'step {n}' for n in range(40)
    )
    rows = lines(SHOWN, '', dataclasses.replace(PLAN, message=checklist))
    told = ' '.join(row.strip() for row in rows)
    assert f'> {checklist}' in told


def test_what_is_not_recorded_and_what_is_slowed_or_paused_is_told():
    report = dataclasses.replace(PLAN, recording=False, speed=0.25)
    assert lines(SHOWN, '', report)[0].endswith('NOT RECORDING')
    assert 'speed: 25 % of the plan' in lines(SHOWN, '', report)
    paused = dataclasses.replace(PLAN, recording=None, speed=0.0)
    assert lines(SHOWN, '', paused)[0].endswith('NO RECORDER')
    assert 'speed: 0 % of the plan, PAUSED' in lines(SHOWN, '', paused)


def test_a_plan_whose_report_has_not_come_is_not_called_unclamped():
    rows = lines(dataclasses.replace(SHOWN, reported=False), '', PLAN)
    assert rows[0].startswith('PLAN ON SHOW: its report has not come yet')
    assert any('is not known yet' in row for row in rows)
    assert not any('clamped points' in row or 'clearance: ' in row for row in rows)


def test_a_silent_server_is_told_first():
    assert lines(Situation(), '', Report())[0].startswith('NO REPLAY SERVER')


def test_motion_is_told_in_seconds():
    situation = dataclasses.replace(SHOWN, phase='EXECUTING')
    report = dataclasses.replace(PLAN, elapsed=2.1)
    assert 'ARMS MOVE 2.1 of 9.4 s' in lines(situation, '', report)[0]
