"""Following: do the arms go where they are told to, and do they stand still?

Both are judged by messages, not by ticks: what one message says is looked at once, when it has
come, and no single message decides anything.
"""

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.deviation import beyond
from vag_core.safety.feedback import Measured
from vag_core.safety.outcome import ErrorCode, Refusal

# Messages of each arm in a row within which no joint of an arm that stands still moves.
STANDSTILL_MESSAGES = 10


class Following:
    """Compares each message of each arm with what stood commanded when it came.

    When a pose was measured is not known beyond the time of its receipt: header stamps may come
    from another clock. Two messages of one arm in a row, of those that a tick has seen, must be
    beyond the tolerance.
    """

    def __init__(self, profile: RobotProfile):
        self._profile = profile
        self._seen = [0] * len(profile.arms)
        self._suspect = [False] * len(profile.arms)

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
            was, self._suspect[index] = (
                self._suspect[index],
                not (np.abs(error[where]) <= tolerance[where]).all(),
            )
            if was and self._suspect[index] and found is None:
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
