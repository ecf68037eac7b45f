"""When a bag opens and closes: from the first step of a generation to the end of its replay.

Pure decisions on what the two actions and the replay server report, without ROS and without a
clock of their own; times are seconds of any steady clock.
"""

import enum
from collections.abc import Mapping


class Step(enum.Enum):
    """What to do with the bag, in the order given."""

    CLOSE = 'close'
    OPEN_FOR_GENERATION = 'open for generation'
    OPEN_FOR_REPLAY = 'open for replay'


class GoalEvent(enum.Enum):
    """What happened to the goals of an action server."""

    STARTED = 'started'
    SUCCEEDED = 'succeeded'
    FAILED = 'failed'


class Goals:
    """Follow the goals of one action server through its status messages.

    One goal counts at a time, the one that started first: a goal refused while another runs is no
    event.
    """

    def __init__(self) -> None:
        self._current: bytes | None = None
        self._known: set[bytes] | None = None

    @property
    def busy(self) -> bool:
        """Whether a goal has started and not ended yet."""
        return self._current is not None

    def begin(self) -> None:
        """End the history: a server silent until now has none, so all that it reports is news."""
        if self._known is None:
            self._known = set()

    def update(self, status: Mapping[bytes, GoalEvent]) -> list[GoalEvent]:
        """Take the state of every goal that the server remembers and return what has changed.

        Goals that had ended before the first call, or before :meth:`begin`, are history.
        """
        events = []
        if self._current is not None:
            state = status.get(self._current, GoalEvent.FAILED)
            if state is not GoalEvent.STARTED:
                events.append(state)
                self._current = None
        if self._current is None:
            active = [goal for goal, state in status.items() if state is GoalEvent.STARTED]
            if active:
                self._current = active[0]
                events.append(GoalEvent.STARTED)
            elif self._known is not None:
                # A goal can be refused faster than two messages follow each other.
                for goal in status.keys() - self._known:
                    events += [GoalEvent.STARTED, status[goal]]
        self._known = set(status) | {self._current} - {None}
        return events


class BagLifetime:
    """Turn what happens into steps for the bag.

    A generation opens a bag, its replay is recorded into the same bag, and the end of that closes
    it after ``tail_s``. A replay with no bag open gets its own. A generation that nobody replays
    is closed after ``idle_s``. A generation that begins during a replay gets its bag when the
    replay has ended.

    Attributes:
        is_open: whether a bag is open after the steps returned so far.
    """

    def __init__(self, tail_s: float, idle_s: float) -> None:
        self.is_open = False
        self._tail_s = tail_s
        self._idle_s = idle_s
        self._generating = False
        self._replaying = False
        self._replayed = False
        self._postponed = False
        self._close_at: float | None = None

    def generation(self, event: GoalEvent, now: float) -> list[Step]:
        """Report the start or end of a generation."""
        self._generating = event is GoalEvent.STARTED
        if event is GoalEvent.STARTED:
            if self.is_open and self._replaying:
                self._postponed = True
                return []
            return self._open(Step.OPEN_FOR_GENERATION)
        if self.is_open and not self._replaying:
            wait = self._idle_s if event is GoalEvent.SUCCEEDED else self._tail_s
            self._close_at = now + wait
        return []

    def replay(self, active: bool, now: float) -> list[Step]:
        """Report whether a replay is going on; repeated reports change nothing."""
        if active == self._replaying:
            return []
        self._replaying = active
        if active:
            if not self.is_open or self._replayed:
                return self._open(Step.OPEN_FOR_REPLAY)
            self._close_at = None
            return []
        if self._postponed:
            steps = self._open(Step.OPEN_FOR_GENERATION)
            self._close_at = None if self._generating else now + self._idle_s
            return steps
        if not self._generating:
            self._replayed = True
            self._close_at = now + self._tail_s
        return []

    def tick(self, now: float) -> list[Step]:
        """Close the bag when its time has come."""
        if self.is_open and self._close_at is not None and now >= self._close_at:
            self.is_open = False
            return [Step.CLOSE]
        return []

    def _open(self, step: Step) -> list[Step]:
        steps = [Step.CLOSE, step] if self.is_open else [step]
        self.is_open = True
        self._replayed = self._postponed = False
        self._close_at = None
        return steps
