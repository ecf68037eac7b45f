"""Driver status: what the arms' drivers report, held against what the profile allows."""

import threading
from typing import Any

from vag_core.driver import StatusTopic
from vag_core.robot import RobotProfile
from vag_core.safety.outcome import ErrorCode, Refusal


def check_status(arm: str, status: StatusTopic, message: Any) -> Refusal | None:
    """Return why an arm with this status ``message`` may not move, or None; collisions first."""
    faults = []
    for path, allowed in status.allowed.items():
        try:
            values = _field(message, path)
        except AttributeError:
            text = f'{status.topic}: {status.type} has no field {path!r}; correct the profile'
            return Refusal(ErrorCode.DRIVER_FAULT, text)
        for value in values:
            if value not in allowed:
                collided = value in status.collision.get(path, ())
                code = ErrorCode.COLLISION if collided else ErrorCode.DRIVER_FAULT
                faults.append(_fault(code, arm, status, path, value))
    faults.sort(key=lambda fault: fault.code is not ErrorCode.COLLISION)
    return faults[0] if faults else None


def _field(message: Any, path: str) -> list:
    value = message
    for name in path.split('.'):
        value = getattr(value, name)
    return [value] if isinstance(value, (str, bytes)) or not hasattr(value, '__iter__') else value


def _fault(code: ErrorCode, arm: str, status: StatusTopic, path: str, value: Any) -> Refusal:
    meaning = status.meanings.get(path, {}).get(value, '')
    text = f'the driver of arm {arm} reports {path} = {value}'
    allowed = ', '.join(str(item) for item in status.allowed[path])
    text += f' ({meaning})' * bool(meaning) + f' on {status.topic}; allowed: {allowed}'
    number = float(value) if isinstance(value, (int, float)) else None
    return Refusal(code, text, value=number)


class DriverStatus:
    """The newest status of each arm, and the first fault since :meth:`clear`; thread-safe.

    Args:
        profile: names the topics and what is allowed.
        watched: indices of the arms whose status can be received.
    """

    def __init__(self, profile: RobotProfile, watched: list[int]):
        self._arms = profile.arms
        self._watched = watched
        self._lock = threading.Lock()
        self._received_ns: dict[int, int] = {}
        self._verdict: dict[int, Refusal | None] = {}
        self._fault: Refusal | None = None

    def update(self, arm: int, message: Any, now_ns: int) -> Refusal | None:
        """Take a status message of arm number ``arm``; return why it is a fault, or None."""
        expected = self._arms[arm]
        verdict = check_status(expected.name, expected.status, message)
        with self._lock:
            self._received_ns[arm], self._verdict[arm] = now_ns, verdict
            self._fault = self._fault or verdict
        return verdict

    def clear(self) -> None:
        """Forget faults that have passed; one that lasts stays."""
        with self._lock:
            self._fault = next((v for v in self._verdict.values() if v is not None), None)

    def problem(self, now_ns: int) -> Refusal | None:
        """Return the first of :meth:`problems`, if there is one."""
        return next(iter(self.problems(now_ns)), None)

    def problems(self, now_ns: int) -> list[Refusal]:
        """Why the arms may not move: faults, the first one first, and missing statuses."""
        with self._lock:
            last = [v for v in self._verdict.values() if v not in (None, self._fault)]
            found = [self._fault] * (self._fault is not None) + last
        for index in self._watched:
            arm, received = self._arms[index], self._received_ns.get(index)
            limit = arm.status.timeout_s
            if received is None:
                text = f'no status of arm {arm.name} on {arm.status.topic}'
                found.append(Refusal(ErrorCode.DRIVER_FAULT, text, limit=limit))
                continue
            age = (now_ns - received) * 1e-9
            if age > limit:
                text = (
                    f'the status of arm {arm.name} on {arm.status.topic} is {age:.3f} s old; '
                    f'timeout_s = {limit:.3f} s'
                )
                found.append(Refusal(ErrorCode.DRIVER_FAULT, text, value=age, limit=limit))
        return found
