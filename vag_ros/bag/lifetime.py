"""When a bag opens and closes: from the first step of a generation to the end of its replay.

Pure decisions on what the two actions, the generator and the replay server report, without ROS and
without a clock of their own; times are seconds of any steady clock. Each source reports in order,
but one may lag behind another: a large Episode message behind the first states of its replay, say.
"""

import enum
from dataclasses import dataclass

from vag_ros.bag.goals import GoalEvent

# The middleware asks for lost messages every 3 s.
LATE_EPISODE_S = 5.0


class Step(enum.Enum):
    """What to do with the bag, in the order given."""

    CLOSE = 'close'
    OPEN_FOR_GENERATION = 'open for generation'
    OPEN_FOR_REPLAY = 'open for replay'


@dataclass
class _Contents:
    """What the open bag holds.

    Attributes:
        generation: whether the bag was opened for a generation.
        episode: whether the Episode message has come.
        episode_due: until when it is waited for, after a generation that succeeded.
        goal: whether a replay goal was seen.
        motion: whether the states of a replay of this episode were seen.
        close_at: when to close the bag.
    """

    generation: bool = False
    episode: bool = False
    episode_due: float | None = None
    goal: bool = False
    motion: bool = False
    close_at: float | None = None


class BagLifetime:
    """Turn what happens into steps for the bag.

    A generation opens a bag, its replay is recorded into the same bag, and the end of that closes
    it after ``tail_s``. A replay with no bag open, a second replay and the replay of another
    episode get their own, but the latter is recorded along while a generation runs. A generation
    that nobody replays is closed after ``idle_s``. A generation that begins during a replay gets
    its bag when the replay has ended; one that begins while the episode of the last is still under
    way, when that has come.

    Attributes:
        is_open: whether a bag is open after the steps returned so far.
        episode_id: the episode that the bag is about; empty while that is not known.
    """

    def __init__(self, tail_s: float, idle_s: float) -> None:
        self.is_open = False
        self.episode_id = ''
        self._tail_s = tail_s
        self._idle_s = idle_s
        self._generating = self._replaying = self._moving = False
        # Whether the replay that goes on is not of the bag's episode.
        self._of_another = False
        # The episode of the replay that goes on, and of an ended one whose states come late.
        self._moves = ''
        self._lagging: str | None = None
        self._bag = _Contents()
        # The generation that waits for its bag, by its episode, '' while that is not known.
        self._next: str | None = None
        self._earlier: set[str] = set()

    def generation(self, event: GoalEvent, now: float) -> list[Step]:
        """Report the start or end of a generation."""
        succeeded = event is GoalEvent.SUCCEEDED
        self._generating = event is GoalEvent.STARTED
        if self._generating:
            if self.is_open and (self._active or self._awaits_episode(now)):
                self._next = ''
                return []
            return self._open(Step.OPEN_FOR_GENERATION)
        if self._next is not None:
            # What a failed one had to say lies in the bag of the replay.
            self._next = self._next if succeeded else None
        elif self._bag.generation:
            if succeeded and not self._bag.episode:
                self._bag.episode_due = now + LATE_EPISODE_S
            if not self._active:
                unused = succeeded and not self._bag.motion
                self._bag.close_at = now + (self._idle_s if unused else self._tail_s)
        return []

    def episode(self, episode_id: str, now: float) -> None:
        """Report an Episode message; the bag that is open then is the one to hold it."""
        of_next = self._next is not None and not self._awaits_episode(now)
        awaited = self._bag.generation and not self._bag.episode and not of_next
        if self.is_open and (awaited or episode_id == self.episode_id):
            if self.episode_id not in ('', episode_id):
                self._earlier.add(self.episode_id)
                self._of_another, self._bag.motion = self._active, False
            self.episode_id = episode_id
            self._bag.episode, self._bag.episode_due = True, None
        elif of_next:
            self._next = episode_id
        else:
            self._earlier.add(episode_id)

    def replay(self, event: GoalEvent, now: float) -> list[Step]:
        """Report the start or end of a replay goal."""
        self._replaying = event is GoalEvent.STARTED
        if not self._replaying:
            return self._come_to_rest(now)
        if not self.is_open or (self._bag.goal and not self._in_generation):
            self._lagging = self._moves if self._moving else None
            return self._open(Step.OPEN_FOR_REPLAY)
        self._bag.goal, self._bag.close_at = True, None
        return []

    def state(self, moving: bool, episode_id: str, now: float) -> list[Step]:
        """Report a state of the replay server: whether a replay goes on, and of which episode."""
        if not moving:
            self._moving, has_moved, self._lagging = False, self._moving, None
            return self._come_to_rest(now) if has_moved else []
        self._moving = True
        if episode_id == self._lagging:
            return []
        self._lagging, self._moves = None, episode_id
        another = self._is_another(episode_id)
        steps = []
        if not self.is_open or (another and not self._in_generation):
            steps, another = self._open(Step.OPEN_FOR_REPLAY), False
        self._bag.close_at = None
        self._of_another = another
        if not another:
            self.episode_id, self._bag.motion = episode_id, True
        return steps

    def tick(self, now: float) -> list[Step]:
        """Close the bag when its time has come."""
        steps = self._open_next(now)
        if steps or not self.is_open or self._awaits_episode(now):
            return steps
        if self._bag.close_at is None or now < self._bag.close_at:
            return []
        self._leave()
        return [Step.CLOSE]

    @property
    def _active(self) -> bool:
        return self._replaying or self._moving

    @property
    def _in_generation(self) -> bool:
        return self._bag.generation and self._generating and self._next is None

    def _is_another(self, episode_id: str) -> bool:
        if self.episode_id:
            return episode_id != self.episode_id
        return self._bag.generation and episode_id in self._earlier

    def _awaits_episode(self, now: float) -> bool:
        return self._bag.episode_due is not None and now < self._bag.episode_due

    def _come_to_rest(self, now: float) -> list[Step]:
        if self._active or not self.is_open:
            return []
        another, self._of_another = self._of_another, False
        steps = self._open_next(now)
        if steps:
            return steps
        if another or (self._in_generation and not self._bag.motion):
            self._bag.goal = False
            self._bag.close_at = None if self._generating else now + self._idle_s
        elif not self._in_generation:
            self._bag.close_at = now + self._tail_s
        return []

    def _open_next(self, now: float) -> list[Step]:
        """Open the bag of the generation that waits for it, if nothing is in the way."""
        if self._next is None or self._active or self._awaits_episode(now):
            return []
        steps = self._open(Step.OPEN_FOR_GENERATION)
        self.episode_id, self._next = self._next, None
        self._bag.episode = bool(self.episode_id)
        if not self._generating:
            self._bag.close_at = now + self._idle_s
        return steps

    def _open(self, step: Step) -> list[Step]:
        steps = [Step.CLOSE, step] if self.is_open else [step]
        self._leave()
        self.is_open = True
        self._bag.generation = step is Step.OPEN_FOR_GENERATION
        self._bag.goal = self._replaying
        return steps

    def _leave(self) -> None:
        if self.episode_id:
            self._earlier.add(self.episode_id)
        self.is_open, self.episode_id = False, ''
        self._bag = _Contents()
        self._of_another = False
