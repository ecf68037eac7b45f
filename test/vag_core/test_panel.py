import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vag_core.panel import SETTLE_S, Act, Panel, Situation

READY = Situation(
    phase='IDLE', armed=True, episode_id='e1', instruction='lift', generator_ready=True
)
SHOWN = dataclasses.replace(
    READY, phase='AWAITING_APPROVAL', plan_id='p1', plan_episode_id='e1', reported=True
)


def a_panel(situation):
    panel = Panel()
    panel.update(situation)
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
    panel.update(dataclasses.replace(SHOWN, plan_id='p2'))
    assert panel.click(Act.REPLAY, 'p1', 2.0) == (
        "replay was clicked for 'p1', which is no longer on show; 'p2' is"
    )
    assert panel.click(Act.REPLAY, 'p2', 2.0) == 'the plan on show is not approved'


def test_a_plan_that_was_gone_in_between_needs_a_new_approval():
    panel = a_panel(SHOWN)
    panel.click(Act.APPROVE, 'p1', 0.0)
    panel.update(dataclasses.replace(SHOWN, phase=''))
    panel.update(SHOWN)
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
    panel.update(SHOWN)
    assert panel.click(Act.REPLAY, 'p1', 2.0) == 'the plan on show is not approved'
    assert panel.click(Act.APPROVE, 'p1', 2.0) == ''


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
            'generate approve discard stop disarm',
        ),
        (
            {'phase': 'AWAITING_APPROVAL', 'plan_id': 'p', 'plan_episode_id': 'e1'},
            'generate discard stop disarm',
        ),
        (
            {'phase': 'AWAITING_APPROVAL', 'plan_id': 'p', 'plan_episode_id': 'other'},
            'generate discard stop disarm',
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
        self.moved = []
        self.panel.update(self.situation)

    def become(self, **changes):
        self.situation = dataclasses.replace(self.situation, **changes)
        self.panel.update(self.situation)
        if self.situation.plan_on_show != (self.looked_at or ('', 0))[0]:
            self.looked_at = None

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
