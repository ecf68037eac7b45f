"""Diagnostics of the replay server: /diagnostics at 1 Hz, for robot monitors and recorders."""

import math
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from vag_core.robot import RobotProfile
from vag_core.safety.outcome import Refusal
from vag_ros import names
from vag_ros.msg import ReplayState
from vag_ros.replay_goal import ReplayGoal
from vag_ros.replay_listener import RobotListener

RATE_HZ = 1.0


class Diagnostics:
    """Publishes two statuses: the replay itself, and what is heard of the robot."""

    def __init__(self, node: Node, profile: RobotProfile, listener: RobotListener):
        self._node = node
        self._profile = profile
        self._listener = listener
        self._publisher = node.create_publisher(
            DiagnosticArray, names.DIAGNOSTICS, names.STATE_QOS
        )
        self._prefix = f'{node.get_fully_qualified_name().strip("/")}: '

    def publish(self, state: ReplayState, goal: ReplayGoal | None) -> None:
        """Publish what ``state``, ``goal`` (the current or last one) and the listener tell."""
        message = DiagnosticArray(status=[self._replay(state, goal), self._robot()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _replay(self, state: ReplayState, goal: ReplayGoal | None) -> DiagnosticStatus:
        level, text = DiagnosticStatus.OK, state.phase_name
        if state.latched:
            level, text = DiagnosticStatus.ERROR, f'latched: {state.latch_reason}'
        elif state.late_ticks:
            level, text = (
                DiagnosticStatus.WARN,
                f'{state.phase_name}, {state.late_ticks} late ticks',
            )
        values = {
            'phase': state.phase_name,
            'armed': state.armed,
            'latch_reason': state.latch_reason,
            'dry_run': state.dry_run,
            'episode_id': state.episode_id,
            'plan_id': state.plan_id,
            'last_error_code': state.last_error_code,
            'last_error_string': state.last_error_string,
            'command_rate_wanted_hz': f'{self._profile.command_rate_hz:.1f}',
            'command_rate_hz': _rate(goal),
            'commands_sent': state.commands_sent,
            'late_ticks': state.late_ticks,
            'max_lateness_ms': f'{state.max_lateness * 1e3:.2f}',
            'delay_ms': f'{state.delay * 1e3:.2f}',
            'time_scale': f'{state.time_scale:.3f}',
            'speed_scaling': f'{state.speed_scaling:.2f}',
            'speed_scaling_wanted': f'{state.speed_scaling_wanted:.2f}',
            'real_time_priority': goal.real_time if goal is not None else '',
        }
        return self._status('replay', level, text, values)

    def _robot(self) -> DiagnosticStatus:
        now = time.monotonic_ns()
        problems: list[Refusal | None] = [
            self._listener.feedback.stale(now),
            self._listener.status.problem(now),
            self._listener.heartbeat.lost(now),
        ]
        found = [problem.message for problem in problems if problem is not None]
        ages = zip(self._profile.arms, self._listener.feedback.ages(now), strict=True)
        values = {f'{arm.name}_feedback_age_ms': _milliseconds(age) for arm, age in ages}
        level = DiagnosticStatus.ERROR if found else DiagnosticStatus.OK
        return self._status('robot', level, '; '.join(found) or 'heard', values)

    def _status(self, name: str, level: bytes, text: str, values: dict) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=level,
            name=self._prefix + name,
            message=text,
            hardware_id=self._profile.name,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )


def _rate(goal: ReplayGoal | None) -> str:
    """Commands per second over the current or last motion, pauses between late ticks included."""
    schedule = goal.schedule if goal is not None else None
    return f'{schedule.rate_hz:.1f}' if schedule is not None and schedule.sent > 1 else ''


def _milliseconds(age: float) -> str:
    return '' if math.isinf(age) else f'{age * 1e3:.1f}'
