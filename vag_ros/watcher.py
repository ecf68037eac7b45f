"""What ``vag watch`` shows: the topics of a stack, drawn with rich."""

import time

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from std_msgs.msg import String

from vag_ros import names
from vag_ros.action import GenerateEpisode
from vag_ros.msg import ReplayState

SILENT_S = 1.0
PROGRESS_LINGERS_S = 5.0


class Watcher:
    """Subscribes to what a stack says of itself; sends nothing."""

    def __init__(self, node: Node) -> None:
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._state: ReplayState | None = None
        self._state_at = self._progress_at = -1e9
        self._progress: GenerateEpisode.Feedback | None = None
        self._bag = self._instruction = ''
        feedback = f'{names.GENERATE_EPISODE}/_action/feedback'
        progress_qos = QoSProfile(depth=10)
        for kind, topic, callback, qos in (
            (ReplayState, names.REPLAY_STATE, self._on_state, names.STATE_QOS),
            (GenerateEpisode.Impl.FeedbackMessage, feedback, self._on_progress, progress_qos),
            (String, names.BAG, self._on_bag, names.BAG_QOS),
            # As anybody publishes it, and as the operator keeps it for who comes later.
            (String, names.INSTRUCTION, self._on_instruction, names.STATE_QOS),
            (String, names.INSTRUCTION, self._on_instruction, names.LATCHED_QOS),
        ):
            node.create_subscription(kind, topic, callback, qos)

    def receive(self, seconds: float) -> None:
        """Take what comes for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def view(self) -> RenderableType:
        """Return the present picture."""
        instruction = self._instruction or 'none heard yet'
        parts: list[RenderableType] = [self._headline(), Text(f'instruction: {instruction}')]
        now = time.monotonic()
        if self._progress is not None and now - self._progress_at < PROGRESS_LINGERS_S:
            parts.append(
                _bar(
                    f'generating: {self._progress.stage_name}',
                    self._progress.step,
                    self._progress.total,
                    f'{self._progress.step}/{self._progress.total}',
                )
            )
        state = self._state
        if state is not None and state.motion_duration:
            done, whole = state.time_from_start, state.motion_duration
            parts.append(_bar('motion', done, whole, f'{done:.1f}/{whole:.1f} s'))
        if self._bag:
            parts.append(Text(f'bag: {self._bag}'))
        if state is not None and state.last_error_code:
            parts.append(Text(f'last goal ({state.last_error_code}): {state.last_error_string}'))
        if state is not None and len(state.actual.positions):
            parts.append(_joints(state))
        return Group(*parts)

    def _headline(self) -> Text:
        state = self._state
        if state is None or time.monotonic() - self._state_at > SILENT_S:
            return Text('NO REPLAY SERVER', style='bold reverse')
        words = [state.phase_name.replace('_', ' '), 'armed' if state.armed else 'disarmed']
        words += ['DRY RUN'] * state.dry_run
        words += [f'LATCHED: {state.latch_reason}'] * state.latched
        words += [f'episode {state.episode_id}'] * bool(state.episode_id)
        return Text('  |  '.join(words), style='bold')

    def _on_state(self, message: ReplayState) -> None:
        self._state, self._state_at = message, time.monotonic()

    def _on_progress(self, message: GenerateEpisode.Impl.FeedbackMessage) -> None:
        self._progress, self._progress_at = message.feedback, time.monotonic()

    def _on_bag(self, message: String) -> None:
        self._bag = message.data

    def _on_instruction(self, message: String) -> None:
        self._instruction = message.data


def _bar(title: str, done: float, whole: float, label: str) -> RenderableType:
    row = Table.grid(padding=(0, 1))
    row.add_row(title, ProgressBar(total=max(whole, 1e-9), completed=done, width=40), label)
    return row


def _joints(state: ReplayState) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column('joint')
    for heading in ('measured', 'commanded', 'error'):
        table.add_column(heading, justify='right')
    columns = [list(p.positions) for p in (state.actual, state.desired, state.error)]
    for index, name in enumerate(state.joint_names):
        cells = [f'{c[index]:+.3f}' if index < len(c) else '-' for c in columns]
        table.add_row(name, *cells)
    return table
