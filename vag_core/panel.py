"""Panel: which of the operator's acts make sense now, and the two that it takes to move the arms.

A plan moves the arms after two clicks: ``APPROVE`` says that somebody has looked at this plan,
``REPLAY`` asks for its motion. Both name the plan that they were drawn for, so a click that comes
late, twice or out of order is refused. Nothing here moves anything: the replay server decides.
"""

import enum
from dataclasses import dataclass

SETTLE_S = 0.7
"""A replay this soon after its approval is a double click."""

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
        episode_id: of the episode on display, '' for none.
        instruction: that the next generation would use.
        generator_ready: somebody offers to generate.
        generating: a generation was asked for and has not ended.
    """

    phase: str = ''
    armed: bool = False
    latched: bool = False
    dry_run: bool = False
    latch_reason: str = ''
    plan_id: str = ''
    plan_episode_id: str = ''
    reported: bool = False
    episode_id: str = ''
    instruction: str = ''
    generator_ready: bool = False
    generating: bool = False

    @property
    def plan_on_show(self) -> str:
        """Id of the plan that awaits approval and belongs to the displayed episode, else ''."""
        waits = self.phase == 'AWAITING_APPROVAL' and self.plan_episode_id == self.episode_id
        return self.plan_id if waits else ''


class Panel:
    """The acts that are allowed in the present situation.

    Every method takes ``now``, s on a steady clock.
    """

    def __init__(self) -> None:
        self.situation = Situation()
        self._approved = ''
        self._approved_at = 0.0

    def update(self, situation: Situation) -> None:
        """Take note of a new situation; an approval ends with the plan that it was given to."""
        self.situation = situation
        if self._approved != situation.plan_on_show:
            self._approved = ''

    @property
    def approved_plan(self) -> str:
        """Id of the plan that was approved and not yet replayed, else ''."""
        return self._approved

    def subject(self, act: Act) -> str:
        """What a button of this act, drawn now, is about: the plan, the episode, or nothing."""
        if act in (Act.APPROVE, Act.REPLAY):
            return self.situation.plan_on_show
        if act is Act.PLAN:
            return self.situation.episode_id
        if act is Act.DISCARD:
            return self.situation.plan_on_show or self.situation.episode_id
        return ''

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
        elif act in (Act.REPLAY, Act.STOP, Act.DISARM, Act.DISCARD):
            self._approved = ''
        return ''

    def refusal(self, act: Act, now: float) -> str:
        """Say why ``act`` makes no sense now, or ''."""
        return getattr(self, f'_refuse_{act.value}')(now)

    def _silent(self) -> str:
        return '' if self.situation.phase else 'the replay server is silent'

    def _refuse_generate(self, _: float) -> str:
        now = self.situation
        if now.generating:
            return 'a generation is running; discard it or wait'
        if now.phase in MOVING:
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

    def _refuse_approve(self, _: float) -> str:
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
