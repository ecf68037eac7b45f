"""Arming: everything that must be so before the gate permits motion, checked in one place."""

import time
from collections.abc import Callable

from vag_core.robot import RobotProfile
from vag_core.safety.gate import Gate
from vag_core.safety.outcome import Refusal
from vag_ros import names
from vag_ros.replay_driver import DriverServices
from vag_ros.replay_listener import RobotListener
from vag_ros.replay_stream import Commander

# A person who has gone through the checklist confirms it within this time.
CONFIRM_S = 120.0
# ... but has read it before.
READ_S = 1.0


class Arming:
    """Opens the gate, or says why not.

    Args:
        contact: whether commands will reach the drivers; a dry run asks less.
        now: s on a monotonic clock.
    """

    def __init__(
        self,
        profile: RobotProfile,
        gate: Gate,
        listener: RobotListener,
        commander: Commander,
        services: DriverServices,
        *,
        contact: bool,
        now: Callable[[], float] = time.monotonic,
    ):
        self._profile = profile
        self._gate = gate
        self._listener = listener
        self._commander = commander
        self._services = services
        self._contact = contact
        self._now = now
        self._asked: float | None = None

    def arm(self) -> list[str]:
        """Arm; return what stands against it, [] when armed."""
        closings = self._gate.closings
        problems = self._problems()
        if not problems and self._contact:
            problems = self._ask() or self._services.open_gates()
        if not problems:
            refusal = self._gate.arm(closings)
            if refusal is not None:  # stopped or disarmed while the drivers' gates were opened
                problems = [refusal.message]
                self._services.close_gates()
        return problems

    def _problems(self) -> list[str]:
        now = time.monotonic_ns()
        self._listener.status.clear()
        reasons: list[Refusal | None] = [
            self._gate.refusal() if self._gate.latched else None,
            self._listener.feedback.stale(now),
        ]
        problems = []
        if self._contact:
            reasons += [
                self._listener.status.problem(now),
                self._listener.heartbeat.lost(now),
                self._commander.conflict(),
            ]
            problems += [f'nobody listens on {topic}' for topic in self._commander.unheard()]
            problems += self._unmeasured()
        return [reason.message for reason in reasons if reason is not None] + problems

    def _unmeasured(self) -> list[str]:
        profile = self._profile
        if profile.simulated or profile.workcell or not profile.safety.clearance_required:
            return []
        return [
            f'robot {profile.name} has no workcell: measure arm bases and table and write them '
            'into the profile'
        ]

    def _ask(self) -> list[str]:
        """Name the checklist; the same call again, read and done, confirms it."""
        asked, now = self._asked, self._now()
        if not self._profile.checklist or (
            asked is not None and READ_S <= now - asked <= CONFIRM_S
        ):
            self._asked = None
            return []
        self._asked = now
        questions = '; '.join(self._profile.checklist)
        return [
            f'first see to it that: {questions}. Then call {names.ARM} again within '
            f'{CONFIRM_S:.0f} s'
        ]
