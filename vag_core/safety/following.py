"""Following: do the arms go where they are told to, and do they stand still?

Both are judged by messages, not by ticks: what one message says is looked at once, when it has
come, and no single message decides anything.
"""

from collections import deque

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.deviation import beyond
from vag_core.safety.feedback import Measured
from vag_core.safety.outcome import ErrorCode, Refusal

# Messages of each arm in a row within which no joint of an arm that stands still moves.
STANDSTILL_MESSAGES = 10
# Of the newest RECENT messages of an arm, OFF must be off its path.
OFF, RECENT = 2, 4


class Following:
    """Compares each message of each arm with what stood commanded when it came.

    When a pose was measured is not known beyond the time of its receipt: header stamps may come
    from another clock. Two of the last four messages of one arm, of those that a tick has seen,
    must be beyond the tolerance.
    """

    def __init__(self, profile: RobotProfile):
        self._profile = profile
        self._seen = [0] * len(profile.arms)
        self._recent = [deque([False], RECENT) for _ in profile.arms]

    def judge(
        self,
        measured: Measured,
        commanded: tuple[np.ndarray, np.ndarray],
        tolerance: np.ndarray,
        when: str,
    ) -> Refusal | None:
        """Return None while no arm is off its path.

        Args:
            measured: the newest of each arm.
            commanded: (D,) lower and (D,) upper positions between which the arms should be.
            tolerance: (D,) allowed beyond them, rad and m.
            when: for the message.
        """
        error = measured.pose - np.clip(measured.pose, *commanded)
        found = None
        for index, arm in enumerate(self._profile.arms):
            if measured.messages[index] == self._seen[index]:
                continue
            self._seen[index] = measured.messages[index]
            where = self._profile.arm_slice(arm)
            # Not a number is off as well.
            off = not (np.abs(error[where]) <= tolerance[where]).all()
            self._recent[index].append(off)
            if off and sum(self._recent[index]) >= OFF and found is None:
                own = np.zeros_like(error)
                own[where] = error[where]
                found = beyond(
                    own, tolerance, self._profile, ErrorCode.PATH_TOLERANCE_VIOLATED, when
                )
        return found


class Standstill:
    """Waits until :data:`STANDSTILL_MESSAGES` of each arm lie within ``start_tolerance``.

    Grippers do not count: what they hold may give way for long.
    """

    def __init__(self, profile: RobotProfile):
        self._arms = ~profile.is_gripper
        self._tolerance = profile.safety.start_tolerance
        self._first: Measured | None = None

    def reached(self, measured: Measured) -> bool:
        """Take the newest pose, and say whether the arms stand still."""
        first = self._first
        if first is None or not self._near(measured.pose - first.pose):
            self._first = measured
            return False
        pairs = zip(measured.messages, first.messages, strict=True)
        return all(now - then >= STANDSTILL_MESSAGES for now, then in pairs)

    def _near(self, way: np.ndarray) -> bool:
        return bool((np.abs(way[self._arms]) <= self._tolerance).all())


class Frozen:
    """Watches for an arm whose joint states have not changed in a single bit for long.

    A driver may go on to publish the last values that it has read. A measured position trembles
    by what the sensor resolves, also where an arm is held up.
    """

    def __init__(self, profile: RobotProfile):
        self._profile = profile
        self._tolerance = profile.tolerance('start_tolerance')
        self._pose: np.ndarray | None = None
        self._since = np.zeros(len(profile.arms), int)
        self._messages = self._since.copy()

    def look(self, measured: Measured) -> None:
        """Take the newest pose."""
        self._messages[:] = measured.messages
        if self._pose is measured.pose:
            return
        for index, arm in enumerate(self._profile.arms):
            where = self._profile.arm_slice(arm)
            if self._pose is None or (measured.pose[where] != self._pose[where]).any():
                self._since[index] = measured.messages[index]
        self._pose = measured.pose

    def arm(self, command: np.ndarray) -> str:
        """Return the arm that is said to be off ``command`` by values that are frozen, or ''."""
        for index, arm in enumerate(self._profile.arms):
            where = self._profile.arm_slice(arm)
            off = (np.abs(self._pose - command)[where] > self._tolerance[where]).any()
            if off and self._messages[index] - self._since[index] >= STANDSTILL_MESSAGES:
                return arm.name
        return ''
