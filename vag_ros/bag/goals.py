"""Which goals of an action server start and end, told by its status messages."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class GoalEvent(enum.Enum):
    """What happened to the goals of an action server."""

    STARTED = 'started'
    SUCCEEDED = 'succeeded'
    FAILED = 'failed'


@dataclass(frozen=True)
class GoalState:
    """What an action server says of one of its goals.

    Attributes:
        event: what has happened to it last.
        accepted_ns: when the server accepted it, by the server's clock.
    """

    event: GoalEvent
    accepted_ns: int = 0


class Goals:
    """Follow the goals of one action server through its status messages.

    One goal counts at a time, the one that started first: a goal refused while another runs is no
    event. A goal that has ended never starts again, whatever a late message says of it.
    """

    def __init__(self) -> None:
        self._current: bytes | None = None
        self._latest_ns = 0
        self._events: dict[bytes, GoalEvent] = {}
        self._has_history = True

    @property
    def busy(self) -> bool:
        """Whether a goal has started and not ended yet."""
        return self._current is not None

    def begin(self) -> None:
        """End the history: a server silent until now has none, so all that it reports is news."""
        self._has_history = False

    def lose(self) -> list[GoalEvent]:
        """Take note that the server is gone and return what has changed."""
        return [] if self._current is None else [self._end(GoalEvent.FAILED)]

    def update(self, status: Mapping[bytes, GoalState]) -> list[GoalEvent]:
        """Take the state of every goal that a server remembers and return what has changed.

        Goals that had ended before the first call, or before :meth:`begin`, are history. A status
        without the current goal comes from another server: from the successor of a dead one if it
        has a goal accepted later, else from a predecessor, whose last words come late.
        """
        fresh = [goal for goal in status if goal not in self._events]
        for goal, said in status.items():
            if self._events.get(goal, GoalEvent.STARTED) is GoalEvent.STARTED:
                self._events[goal] = said.event
        active = [goal for goal in status if self._events[goal] is GoalEvent.STARTED]
        later = [goal for goal in fresh if status[goal].accepted_ns >= self._latest_ns]
        events = []
        if self._current in status and self._current not in active:
            events.append(self._end(self._events[self._current]))
        elif self._current not in status and set(active) & set(later):
            events += self.lose()
        if self._current is None and active:
            self._current = active[0]
            self._latest_ns = status[self._current].accepted_ns
            events.append(GoalEvent.STARTED)
        elif self._current is None and not self._has_history:
            # A goal can be refused faster than two messages follow each other.
            for goal in later:
                events += [GoalEvent.STARTED, self._events[goal]]
                self._latest_ns = max(self._latest_ns, status[goal].accepted_ns)
        self._has_history = False
        return events

    def _end(self, event: GoalEvent) -> GoalEvent:
        self._events[self._current] = event
        self._current = None
        return event
