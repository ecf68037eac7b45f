import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vag_core.panel import CONFIRM_S, MOVING, SETTLE_S, Act, Panel, Situation

READY = Situation(
    phase='IDLE', armed=True, episode_id='e1', instruction='lift', generator_ready=True
)
SHOWN = dataclasses.replace(
    READY, phase='AWAITING_APPROVAL', plan_id='p1', plan_episode_id='e1', reported=True
)


WARNED = dataclasses.replace(SHOWN, warnings=('the scene has changed by 30 grey levels',))
LONG_AGO = -100.0


def a_panel(situation):
    panel = Panel()
    panel.update(situation, LONG_AGO)
    return panel


def test_two_distinct_clicks_with_time_between_them_replay_a_plan():
    panel = a_panel(SHOWN)
    assert panel.click(Act.APPROVE, 'p1', 10.0) == ''
    assert panel.click(Act.REPLAY, 'p1', 10.01 + SETTLE_S) == ''


@given(st.lists(st.sampled_from([a for a in Act if a is not Act.APPROVE]), max_size=6))
def test_without_an_approval_nothing_replays(acts):
    panel = a_panel(SHOWN)
    for act in acts:
        panel.click(act, panel.subject(act), 10.0)
    assert panel.click(Act.REPLAY, 'p1', 20.0) == 'the plan on show is not approved'


@given(st.floats(0.0, SETTLE_S, exclude_max=True))
def test_a_double_click_does_not_replay(gap):
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    assert panel.click(Act.APPROVE, 'p1', gap)
    assert 'approved only' in panel.click(Act.REPLAY, 'p1', gap)
    assert Act.REPLAY not in panel.allowed(gap)


def test_an_approval_serves_one_replay():
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    assert panel.click(Act.REPLAY, 'p1', 1.0) == ''
    assert panel.click(Act.REPLAY, 'p1', 2.0) == 'the plan on show is not approved'


def test_a_new_plan_needs_a_new_approval_and_old_buttons_say_so():
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    assert panel.update(dataclasses.replace(SHOWN, plan_id='p2'), 1.0) == (
        'the approval was for plan p1; look at plan p2, approve again'
    )
    assert panel.click(Act.REPLAY, 'p1', 2.0) == (
        "replay was clicked for 'p1', which is no longer on show; 'p2' is"
    )
    assert panel.click(Act.REPLAY, 'p2', 2.0) == 'the plan on show is not approved'


def test_a_plan_that_was_gone_in_between_needs_a_new_approval():
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    panel.update(dataclasses.replace(SHOWN, phase=''), 1.0)
    panel.update(SHOWN, 1.0)
    assert panel.click(Act.REPLAY, 'p1', 2.0) == 'the plan on show is not approved'


@pytest.mark.parametrize('act', [Act.STOP, Act.DISARM, Act.DISCARD])
def test_an_act_that_ends_something_takes_the_approval_back(act):
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    assert panel.click(act, None, 1.0) == ''
    assert panel.click(Act.REPLAY, 'p1', 2.0) == 'the plan on show is not approved'


def test_a_plan_is_not_approved_before_its_report_has_come():
    panel = a_panel(dataclasses.replace(SHOWN, reported=False))
    assert panel.click(Act.APPROVE, 'p1', 0.0).startswith(
        "the planner's report on plan p1 has not come"
    )
    panel.update(SHOWN, 1.0)
    assert panel.click(Act.REPLAY, 'p1', 2.0) == 'the plan on show is not approved'
    assert panel.click(Act.APPROVE, 'p1', 2.0) == ''


def test_a_plan_that_has_only_just_appeared_is_not_approved_by_a_click_meant_for_another():
    panel = a_panel(READY)
    panel.update(SHOWN, 5.0)
    assert 'on show only for 0.5 s' in panel.click(Act.APPROVE, 'p1', 5.5)
    panel.update(dataclasses.replace(SHOWN, plan_id='p2'), 6.0)
    assert 'on show only for' in panel.click(Act.APPROVE, None, 6.5)
    assert panel.click(Act.APPROVE, 'p2', 6.01 + SETTLE_S) == ''


@pytest.mark.parametrize('before', [SHOWN, WARNED])
def test_an_approval_ends_when_there_is_more_to_be_warned_of_and_says_why(before):
    panel = a_panel(before)
    panel.click(Act.APPROVE, 'p1', 0.0)
    worse = dataclasses.replace(SHOWN, warnings=('the scene has changed by 80 grey levels',))
    assert panel.update(worse, 1.0) == (
        'the approval is void, look and approve again: the scene has changed by 80 grey levels'
    )
    assert panel.click(Act.REPLAY, 'p1', 2.0) == 'the plan on show is not approved'
    assert panel.click(Act.APPROVE, 'p1', 2.0) == ''
    assert panel.update(worse, 3.0) == ''
    assert panel.click(Act.REPLAY, 'p1', 3.0) == ''


def test_while_something_is_generated_its_video_is_on_show_and_no_plan_is_approved_or_replayed():
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    panel.update(dataclasses.replace(SHOWN, generating=True), 1.0)
    for act in (Act.APPROVE, Act.REPLAY):
        assert panel.click(act, None, 2.0).startswith('a generation is running, and its video')
    panel.update(SHOWN, 3.0)
    assert panel.click(Act.REPLAY, None, 5.0) == 'the plan on show is not approved'


def test_nothing_is_generated_over_a_plan_that_awaits_approval():
    assert a_panel(SHOWN).click(Act.GENERATE, None, 0.0) == (
        'plan p1 awaits approval; discard it first'
    )


@pytest.mark.parametrize(
    ('change', 'subject'),
    [
        ({'generating': True}, 'generation'),
        ({}, 'p1'),
        ({'plan_episode_id': 'another'}, 'p1'),
        ({'phase': 'IDLE'}, 'e1'),
    ],
)
def test_discard_is_about_what_it_would_end(change, subject):
    assert a_panel(dataclasses.replace(SHOWN, **change)).subject(Act.DISCARD) == subject


@pytest.mark.parametrize('phase', MOVING)
def test_faster_takes_two_choices_while_the_arms_move_and_slower_one(phase):
    panel = a_panel(dataclasses.replace(SHOWN, phase=phase))
    assert panel.speed_refusal(0.25, 1.0, 0.0) == ''
    assert 'choose it once more' in panel.speed_refusal(1.0, 0.25, 1.0)
    assert panel.speed_refusal(1.0, 0.25, 1.0 + SETTLE_S / 2)
    assert panel.speed_refusal(1.0, 0.25, 1.01 + SETTLE_S) == ''


def test_a_choice_of_a_faster_motion_is_confirmed_by_itself_alone_and_soon():
    panel = a_panel(dataclasses.replace(SHOWN, phase='EXECUTING'))
    assert panel.speed_refusal(0.5, 0.0, 0.0)
    assert panel.speed_refusal(1.0, 0.0, 1.0)
    assert panel.speed_refusal(1.0, 0.0, 1.1 + CONFIRM_S)
    assert panel.speed_refusal(0.0, 0.0, 12.0) == ''
    assert panel.speed_refusal(1.0, 0.0, 13.0)


def test_at_rest_any_speed_is_set_at_once_and_for_a_silent_server_as_for_moving_arms():
    assert a_panel(SHOWN).speed_refusal(1.0, 0.25, 0.0) == ''
    assert 'silent' in a_panel(Situation()).speed_refusal(0.25, None, 0.0)


def test_the_plan_of_another_episode_than_the_displayed_one_is_not_approved():
    panel = a_panel(dataclasses.replace(SHOWN, episode_id='e2'))
    assert panel.click(Act.APPROVE, None, 0.0) == (
        'the plan on show is of episode e1, on display is e2'
    )


@pytest.mark.parametrize(
    ('change', 'drawn'),
    [
        ({}, 'generate plan discard stop disarm'),
        ({'phase': ''}, 'generate discard stop'),
        ({'armed': False}, 'generate discard stop arm'),
        ({'armed': False, 'dry_run': True}, 'generate plan discard stop arm'),
        ({'episode_id': ''}, 'generate stop disarm'),
        ({'instruction': ''}, 'plan discard stop disarm'),
        ({'generating': True}, 'discard stop disarm'),
        ({'generator_ready': False}, 'plan discard stop disarm'),
        ({'phase': 'EXECUTING'}, 'stop disarm'),
        (
            {'phase': 'LATCHED', 'latched': True, 'armed': False, 'latch_reason': 'stop'},
            'generate discard stop reset',
        ),
        (
            {
                'phase': 'AWAITING_APPROVAL',
                'plan_id': 'p',
                'plan_episode_id': 'e1',
                'reported': True,
            },
            'approve discard stop disarm',
        ),
        (
            {'phase': 'AWAITING_APPROVAL', 'plan_id': 'p', 'plan_episode_id': 'e1'},
            'discard stop disarm',
        ),
        (
            {'phase': 'AWAITING_APPROVAL', 'plan_id': 'p', 'plan_episode_id': 'other'},
            'discard stop disarm',
        ),
    ],
)
def test_only_what_is_allowed_is_drawn(change, drawn):
    panel = a_panel(dataclasses.replace(READY, **change))
    assert [act.value for act in panel.allowed(0.0)] == drawn.split()


class Clicks(RuleBasedStateMachine):
    """A replay server with plans that come and go, and hands that click whatever they have seen.

    ``looked_at`` is kept apart from the panel: the plan whose own approve button was clicked, when
    it was the plan on show, and the time of that click.
    """

    def __init__(self):
        super().__init__()
        self.panel = Panel()
        self.now = 0.0
        self.plans = 0
        self.situation = READY
        self.seen = ['', 'p0', 'e1']
        self.looked_at = None
        self.shown_since = ('', 0.0)
        self.panel.update(self.situation, self.now)

    def become(self, **changes):
        self.situation = dataclasses.replace(self.situation, **changes)
        self.panel.update(self.situation, self.now)
        shown = self.situation.plan_on_show
        if shown != (self.looked_at or ('', 0))[0]:
            self.looked_at = None
        if shown != self.shown_since[0]:
            self.shown_since = (shown, self.now)

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(episode=st.sampled_from(['e1', 'e2', '']))
    def show_episode(self, episode):
        self.become(episode_id=episode)

    @precondition(lambda self: self.situation.phase == 'IDLE')
    @rule()
    def plan(self):
        self.plans += 1
        self.seen.append(f'p{self.plans}')
        self.become(
            phase='AWAITING_APPROVAL',
            plan_id=f'p{self.plans}',
            plan_episode_id='e1',
            reported=False,
        )

    @rule()
    def report(self):
        self.become(reported=True)

    @rule(warning=st.sampled_from(['', 'moved', 'changed']))
    def warn(self, warning):
        more = warning and warning not in self.situation.warnings
        self.become(warnings=(warning,) if warning else ())
        if more:
            self.looked_at = None

    @rule(generating=st.booleans())
    def generate(self, generating):
        self.become(generating=generating)

    @rule(phase=st.sampled_from(['IDLE', '', 'LATCHED', 'EXECUTING']))
    def change_phase(self, phase):
        self.become(phase=phase)

    @rule(data=st.data(), act=st.sampled_from(Act))
    def click(self, data, act):
        subject = data.draw(st.sampled_from([*self.seen[-4:], None]))
        shown = self.situation.plan_on_show
        if self.panel.click(act, subject, self.now):
            return
        if act is Act.APPROVE:
            assert shown and subject in (shown, None)
            assert self.situation.reported
            assert self.now - self.shown_since[1] >= SETTLE_S - 1e-9
            self.looked_at = (shown, self.now)
        elif act is Act.REPLAY:
            assert subject in (shown, None)
            assert self.looked_at is not None, 'nobody approved'
            plan, when = self.looked_at
            assert plan == shown
            assert self.now - when >= SETTLE_S - 1e-9
            self.looked_at = None
            self.become(phase='EXECUTING')

    @invariant()
    def stop_is_always_drawn(self):
        assert Act.STOP in self.panel.allowed(self.now)


TestClicks = Clicks.TestCase
TestClicks.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
