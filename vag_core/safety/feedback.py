"""Feedback: the newest measured pose of all arms, and how old it is by receive time.

Age counts from the moment of receipt on this machine's monotonic clock: header stamps may come
from another clock and would then never look old.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal


@dataclass(frozen=True)
class Measured:
    """What was measured last.

    Attributes:
        pose: (D,) positions, rad and m, not to change; NaN where none has come.
        messages: by arm, how many were taken so far.
    """

    pose: np.ndarray
    messages: tuple[int, ...]


class Feedback:
    """Joint states as they come in, arm by arm; safe for use from several threads."""

    def __init__(self, profile: RobotProfile):
        self._profile = profile
        self._lock = threading.Lock()
        self._latest = Measured(
            np.full(len(profile.joint_names), np.nan), (0,) * len(profile.arms)
        )
        self._received_ns: list[int | None] = [None] * len(profile.arms)

    def update(
        self, arm: int, names: Sequence[str], positions: Sequence[float], now_ns: int
    ) -> str:
        """Take one driver message of arm number ``arm``; return why it was ignored, or ''."""
        expected = self._profile.arms[arm]
        try:
            values = [positions[list(names).index(joint)] for joint in expected.driver_joints]
        except (ValueError, IndexError):
            return (
                f'{expected.feedback_topic}: names {list(names)} with {len(positions)} positions; '
                f'expected {list(expected.driver_joints)}'
            )
        pose = self._profile.from_driver(expected, values)
        if not np.isfinite(pose).all():
            return f'{expected.feedback_topic}: position not finite: {values}'
        with self._lock:
            # A new object, so that whoever holds the old one keeps a consistent pose.
            whole, messages = self._latest.pose.copy(), list(self._latest.messages)
            whole[self._profile.arm_slice(expected)] = pose
            messages[arm] += 1
            self._latest = Measured(whole, tuple(messages))
            self._received_ns[arm] = now_ns
        return ''

    @property
    def pose(self) -> np.ndarray:
        """(D,) newest measured positions, rad and m, not to change; NaN where none has come."""
        return self._latest.pose

    @property
    def latest(self) -> Measured:
        """The newest measured positions, and how many messages they come from."""
        return self._latest

    def ages(self, now_ns: int) -> list[float]:
        """Age of each arm's joint states in s, infinite where none has come."""
        return [np.inf if at is None else (now_ns - at) * 1e-9 for at in self._received_ns]

    def stale(self, now_ns: int) -> Refusal | None:
        """Why the pose can't be relied on: an arm's joint states are missing or too old."""
        limit = self._profile.safety.feedback_timeout_s
        for arm, age in zip(self._profile.arms, self.ages(now_ns), strict=True):
            if age == np.inf:
                text = f'no joint states of arm {arm.name} on {arm.feedback_topic}'
                return Refusal(ErrorCode.FEEDBACK_STALE, text, limit=limit)
            if age > limit:
                text = (
                    f'joint states of arm {arm.name} on {arm.feedback_topic} are {age:.3f} s old; '
                    f'feedback_timeout_s = {limit:.3f} s'
                )
                return Refusal(ErrorCode.FEEDBACK_STALE, text, value=age, limit=limit)
        return None
