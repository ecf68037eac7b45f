"""Hold: repeats the last target after a motion, for drivers that do not keep it by themselves."""

import time

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.feedback import Feedback
from vag_ros.replay_stream import Commander

RATE_HZ = 50.0


class Hold:
    """Repeats one command until its time is over, or the arms are no longer near it.

    Args:
        duration_s: how long; 0 never repeats anything.
    """

    def __init__(
        self, profile: RobotProfile, feedback: Feedback, commander: Commander, duration_s: float
    ):
        self._tolerance = profile.tolerance('path_tolerance')
        self._feedback = feedback
        self._commander = commander
        self._duration_s = duration_s
        self._command: np.ndarray | None = None
        self._until = 0.0

    @property
    def active(self) -> bool:
        """Whether a command is being repeated."""
        return self._command is not None

    def begin(self, command: np.ndarray) -> None:
        """Hold this (D,) command, the last one of a motion, from now on."""
        if self._duration_s:
            self._command, self._until = command, time.monotonic() + self._duration_s

    def end(self) -> None:
        """Hold nothing."""
        self._command = None

    def tick(self, stamp_ns: int) -> None:
        """Repeat the command; called at :data:`RATE_HZ`.

        Whoever moves the arms by hand, or silences them, ends the hold: repeating a target that
        they have left would pull them back.
        """
        command = self._command
        if command is None:
            return
        near = np.abs(self._feedback.pose - command) <= self._tolerance
        fresh = self._feedback.stale(time.monotonic_ns()) is None
        if time.monotonic() > self._until or not near.all() or not fresh:
            self.end()
        else:
            self._commander.send(command, stamp_ns)
