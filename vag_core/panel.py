"""Panel: which of the operator's acts make sense now, and the two that it takes to move the arms.

A plan moves the arms after two clicks: ``APPROVE`` says that somebody has looked at this plan,
``REPLAY`` asks for its motion. Both name the plan that they were drawn for, so a click that comes
late, twice or out of order is refused. Nothing here moves anything: the replay server decides.
"""

import enum
from dataclasses import dataclass

from vag_core.panel_warnings import news

SETTLE_S = 0.7
"""A click this soon after what it answers is a double click, or meant something else."""
CONFIRM_S = 10.0
"""Within this time a second choice confirms the first."""

GENERATION = 'generation'
"""What DISCARD is about while something is being generated."""

MOVING = ('APPROACH', 'EXECUTING', 'DECELERATING', 'SETTLING')
"""Phases of the replay server in which the arms move."""


class Act(enum.Enum):
    """What an operator can ask for; the value is its name in services and on buttons."""

    GENERATE = 'generate'
    PLAN = 'plan'
    APPROVE = 'approve'
    REPLAY = 'replay'
    DISCARD = 'discard'
    STOP = 'stop'
    RESET = 'reset'
    ARM = 'arm'
    DISARM = 'disarm'


@dataclass(frozen=True)
class Situation:
    """What the operator's node knows.

    Attributes:
        phase: of the replay server, as in ReplayState.phase_name; '' while it is silent.
        armed, latched, dry_run, latch_reason: of the replay server.
        plan_id, plan_episode_id: of the replay server's current or last goal.
        reported: the planner's report on that very plan has come: what was clamped and slowed,
            and how near the bodies come. The replay server publishes one with every plan.
        warnings: of the replay server on that plan.
        episode_id: of the episode on display, '' for none.
        instruction: that the next generation would use.
        generator_ready: somebody offers to generate.
        generating: a generation was asked for here, or runs for somebody else.
    """

    phase: str = ''
    armed: bool = False
    latched: bool = False
    dry_run: bool = False
    latch_reason: str = ''
    plan_id: str = ''
    plan_episode_id: str = ''
    reported: bool = False
    warnings: tuple[str, ...] = ()
    episode_id: str = ''
    instruction: str = ''
    generator_ready: bool = False
    generating: bool = False

    @property
    def plan_on_show(self) -> str:
        """Id of the plan that awaits approval and belongs to the displayed episode, else ''.

        While something is being generated, the video is not that of the plan.
        """
        waits = self.phase == 'AWAITING_APPROVAL' and self.plan_episode_id == self.episode_id
        return self.plan_id if waits and not self.generating else ''


class Panel:
    """The acts that are allowed in the present situation.

    Every method takes ``now``, s on a steady clock.
    """

    def __init__(self) -> None:
        self.situation = Situation()
        self._approved = ''
        self._approved_at = 0.0
        self._approved_warnings: tuple[str, ...] = ()
        self._shown = ''
        self._shown_at = 0.0
        self._faster = 0.0
        self._faster_at = 0.0

    def update(self, situation: Situation, now: float) -> str:
        """Take note of a new situation; an approval ends with the plan that it was given to.

        It ends too when there is more to be warned of than whoever gave it was told. Return why
        an approval has ended, '' for none and where the situation tells it.
        """
        self.situation = situation
        shown = situation.plan_on_show if situation.reported else ''
        if shown != self._shown:
            self._shown, self._shown_at = shown, now
        approved, present = self._approved, situation.plan_on_show
        told = news(self._approved_warnings, situation.warnings)
        if not approved or (approved == present and not told):
            return ''
        self._approved = ''
        if approved == present:
            return f'the approval is void, look and approve again: {"; ".join(told)}'
        if present:
            return f'the approval was for plan {approved}; look at plan {present}, approve again'
        return ''

    @property
    def approved_plan(self) -> str:
        """Id of the plan that was approved and not yet replayed, else ''."""
        return self._approved

    def subject(self, act: Act) -> str:
        """What a button of this act, drawn now, is about: plan, episode, generation or nothing."""
        if act in (Act.APPROVE, Act.REPLAY):
            return self.situation.plan_on_show
        if act is Act.PLAN:
            return self.situation.episode_id
        if act is Act.DISCARD:
            return self._to_discard()
        return ''

    def _to_discard(self) -> str:
        now = self.situation
        if now.generating:
            return GENERATION
        return now.plan_id if now.phase == 'AWAITING_APPROVAL' else now.episode_id

    def allowed(self, now: float) -> tuple[Act, ...]:
        """List the acts whose buttons are drawn."""
        return tuple(act for act in Act if not self.refusal(act, now))

    def click(self, act: Act, subject: str | None, now: float) -> str:
        """Return why the click is refused, or '' when it is to be carried out.

        Args:
            act: of the button.
            subject: what the button was about when it was drawn; None from a caller that sees no
                buttons and means whatever is on show.
            now: s on a steady clock.
        """
        present = self.subject(act)
        if subject is not None and subject != present:
            return (
                f'{act.value} was clicked for {subject!r}, which is no longer on show'
                + f'; {present!r} is' * bool(present)
            )
        refusal = self.refusal(act, now)
        if refusal:
            return refusal
        if act is Act.APPROVE:
            self._approved, self._approved_at = present, now
            self._approved_warnings = self.situation.warnings
        elif act in (Act.REPLAY, Act.STOP, Act.DISARM, Act.DISCARD):
            self._approved = ''
        return ''

    def speed_refusal(self, wanted: float, present: float | None, now: float) -> str:
        """Return why a speed is not to be set, or ''.

        Slower is never refused. Faster takes the same choice twice while the arms move, or while
        nobody knows whether they do.

        Args:
            wanted: share of the planned speed.
            present: the share that holds; None: the replay server is silent.
            now: s on a steady clock.
        """
        if present is not None and (wanted <= present or self.situation.phase not in MOVING):
            self._faster = 0.0
            return ''
        since = now - self._faster_at
        if wanted != self._faster or since > CONFIRM_S:
            self._faster, self._faster_at = wanted, now
        elif since >= SETTLE_S:
            self._faster = 0.0
            return ''
        state = 'the replay server is silent' if present is None else 'the arms move'
        return (
            f'{state}: for {100 * wanted:.0f} % of the planned speed choose it once more, after '
            f'{SETTLE_S} s and within {CONFIRM_S:.0f} s'
        )

    def refusal(self, act: Act, now: float) -> str:
        """Say why ``act`` makes no sense now, or ''."""
        return getattr(self, f'_refuse_{act.value}')(now)

    def _silent(self) -> str:
        return '' if self.situation.phase else 'the replay server is silent'

    def _refuse_generate(self, _: float) -> str:
        now = self.situation
        if now.generating:
            return 'a generation is running; discard it or wait'
        if now.phase == 'AWAITING_APPROVAL':
            return f'plan {now.plan_id} awaits approval; discard it first'
        if now.phase in (*MOVING, 'PLANNING'):
            return f'the replay server is in {now.phase}'
        if not now.generator_ready:
            return 'vag/generate_episode is not there'
        if not now.instruction:
            return 'no instruction was given: choose one, or publish it on vag/instruction'
        return ''

    def _refuse_plan(self, _: float) -> str:
        now = self.situation
        reasons = (
            (not now.phase, self._silent()),
            (not now.episode_id, 'no episode is on display'),
            (now.generating, 'a generation is running'),
            (now.latched, f'the replay server is latched: {now.latch_reason}; reset it, then arm'),
            (now.phase != 'IDLE', f'the replay server is in {now.phase}'),
            (not (now.armed or now.dry_run), 'the replay server is not armed'),
        )
        return next((reason for applies, reason in reasons if applies), '')

    def _refuse_approve(self, now: float) -> str:
        refusal = self._refuse_plan_id()
        if refusal:
            return refusal
        if self._approved:
            return 'this plan is approved already; replay moves the arms'
        if not self.situation.reported:
            return (
                f"the planner's report on plan {self.situation.plan_id} has not come: nobody can "
                'have looked at what was clamped and slowed'
            )
        since = now - self._shown_at
        if since < SETTLE_S:
            return f'the plan is on show only for {max(since, 0.0):.1f} s; look, then click again'
        return ''

    def _refuse_replay(self, now: float) -> str:
        refusal = self._refuse_plan_id()
        if refusal:
            return refusal
        if not self._approved:
            return 'the plan on show is not approved'
        since = now - self._approved_at
        if since < SETTLE_S:
            return f'approved only {max(since, 0.0):.1f} s ago; look, then click again'
        return ''

    def _refuse_plan_id(self) -> str:
        now = self.situation
        if self._silent():
            return self._silent()
        if now.phase != 'AWAITING_APPROVAL':
            return f'no plan awaits approval: the replay server is in {now.phase}'
        if now.generating:
            return 'a generation is running, and its video is on show; discard it or wait'
        if not now.plan_on_show:
            return (
                f'the plan on show is of episode {now.plan_episode_id}, on display is '
                f'{now.episode_id or "none"}'
            )
        return ''

    def _refuse_discard(self, _: float) -> str:
        now = self.situation
        if now.generating or now.phase == 'AWAITING_APPROVAL':
            return ''
        if now.phase in (*MOVING, 'PLANNING'):
            return f'the replay server is in {now.phase}; vag/stop stops the arms'
        return '' if now.episode_id else 'nothing is on display'

    def _refuse_stop(self, _: float) -> str:
        return ''

    def _refuse_reset(self, _: float) -> str:
        if self._silent():
            return self._silent()
        if not self.situation.latched:
            return 'the replay server is not latched'
        moving = self.situation.phase in MOVING
        return f'the replay server is in {self.situation.phase}' if moving else ''

    def _refuse_arm(self, _: float) -> str:
        now = self.situation
        if self._silent():
            return self._silent()
        if now.latched:
            return f'the replay server is latched: {now.latch_reason}; reset it first'
        return 'the replay server is armed already' if now.armed else ''

    def _refuse_disarm(self, _: float) -> str:
        return self._silent() or ('' if self.situation.armed else 'the replay server is disarmed')
