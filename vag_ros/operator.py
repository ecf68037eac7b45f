"""The operator node: turns clicks into goals, for whatever is displayed now.

It holds no authority of its own: the generator and the replay server check and refuse as they
would for any other client. A plan moves the arms after two distinct clicks, approve and replay,
that name it (vag_core/panel.py). Clicks come from RViz, from services and from the web page; each
is answered with what was started or why not.
"""

import dataclasses
import functools
import sys
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vag_core.clamps import clamp_words
from vag_core.configuration import ConfigError
from vag_core.panel import Act, Panel, Situation
from vag_core.panel_menu import Entry, Options, chosen, menu
from vag_core.panel_text import Report, lines
from vag_core.panel_warnings import NEW_PLAN
from vag_core.robot import RobotProfile, load_profile
from vag_ros import names
from vag_ros.action import GenerateEpisode
from vag_ros.comparison import Comparison
from vag_ros.marker_panel import MarkerPanel
from vag_ros.msg import ClampReport, Episode, ReplayState
from vag_ros.operator_goals import Goals
from vag_ros.operator_parameters import Parameters, read_presets
from vag_ros.parameters import declare
from vag_ros.plan_display import PlanDisplay
from vag_ros.robot_display import RobotDisplay
from vag_ros.shutdown import run
from vag_ros.web_page import Desk, WebPage

STATE_TIMEOUT_S = 1.0  # the replay server speaks ten times a second
REFRESH_HZ = 5.0
MESSAGE_LINGERS_S = 120.0  # as long as the checklist of a real robot may be confirmed
SERVICES = (Act.GENERATE, Act.PLAN, Act.APPROVE, Act.REPLAY, Act.DISCARD)
"""Acts that are services of this node; the others are the replay server's own."""
SHOWS_PLAN = ('AWAITING_APPROVAL', 'APPROACH', 'EXECUTING', 'DECELERATING', 'SETTLING')


class Operator(Node):
    """Node ``operator``."""

    def __init__(self) -> None:
        super().__init__('operator', automatically_declare_parameters_from_overrides=True)
        self._settings = declare(self, Parameters)
        profile = load_profile(self._settings.robot)
        self._units = profile.as_embodiment().units
        self._panel = Panel()
        self._options = Options(instruction=self._settings.default_instruction)
        self._presets = read_presets(self._settings)
        self._episode: Episode | None = None
        self._state: ReplayState | None = None
        self._state_received = 0.0
        self._recording: bool | None = None
        self._planned: JointTrajectory | None = None
        self._clamp_report: ClampReport | None = None
        self._progress = ''
        self._message, self._message_at = '', 0.0
        self._to_plan = ''
        self._goals = Goals(self, self._note, self._on_generated)
        self._instruction = self.create_publisher(String, names.INSTRUCTION, names.LATCHED_QOS)
        self._displayed = self.create_publisher(String, names.DISPLAYED, names.LATCHED_QOS)
        self._robot = RobotDisplay(self, profile, live=self._settings.show_robot)
        self._plan_display = PlanDisplay(self, profile, self._robot.tree)
        self._comparison = Comparison(self, profile)
        self._markers = MarkerPanel(
            self, self._robot.tree.root, self.click, self.choose, self._note
        )
        self._subscribe()
        for act in SERVICES:
            service = f'{names.OPERATOR}/{act.value}'
            self.create_service(Trigger, service, functools.partial(self._answer, act))
        self._web = self._open_web_page(profile) if self._settings.web_port else None
        # A wall clock that is set back would stop timers of the node's own clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1 / REFRESH_HZ, self.refresh, clock=steady)
        self.refresh()

    def finish(self) -> None:
        """Close the page, if there is one."""
        if self._web is not None:
            self._web.close()

    def _open_web_page(self, profile: RobotProfile) -> WebPage:
        settings = self._settings
        desk = Desk(self._state_for_page, self.click, self.choose)
        try:
            address = (settings.web_host, settings.web_port)
            page = WebPage(self, profile, desk, address, settings.web_token)
        except OSError as error:
            raise ConfigError(
                f'parameters web_host = {settings.web_host!r}, web_port = {settings.web_port}: '
                f'{error.strerror}'
            ) from None
        # Not logged: /rosout is for everybody, and recorded with an episode.
        print(f'page for a browser: {page.url}', file=sys.stderr, flush=True)
        return page

    def _state_for_page(self) -> dict[str, Any]:
        self._update()
        entries = menu(self._presets, self._options)
        # The page has buttons for them already.
        acts = {number for e in entries if e.act is not None for number in (e.number, e.parent)}
        return {
            'lines': self.text(),
            'acts': {
                act.value: self._panel.subject(act)
                for act in self._panel.allowed(time.monotonic())
            },
            'menu': [
                {'number': entry.number, 'parent': entry.parent, 'title': entry.title}
                for entry in entries
                if entry.number not in acts
            ],
        }

    def _subscribe(self) -> None:
        latched, state = names.LATCHED_QOS, names.STATE_QOS
        for kind, topic, callback, qos in (
            (String, names.INSTRUCTION, self._on_instruction, state),
            (Episode, names.EPISODE, self._on_episode, latched),
            (ReplayState, names.REPLAY_STATE, self._on_state, state),
            (JointTrajectory, names.PLANNED_TRAJECTORY, self._on_planned, latched),
            (ClampReport, names.CLAMP_REPORT, self._on_clamp_report, latched),
            (JointState, names.PREVIEW_JOINT_STATES, self._on_ghost, state),
            (Bool, names.RECORDING, self._on_recording, latched),
            (
                GenerateEpisode.Impl.FeedbackMessage,
                f'{names.GENERATE_EPISODE}/_action/feedback',
                self._on_progress,
                QoSProfile(depth=10),
            ),
        ):
            self.create_subscription(kind, topic, callback, qos)

    def refresh(self) -> None:
        """Bring everything that is shown up to date."""
        self._goals.look()
        self._update()
        now = time.monotonic()
        acts = {act: self._panel.subject(act) for act in self._panel.allowed(now)}
        self._markers.draw(self.text(), acts, menu(self._presets, self._options))
        self._robot.tick()
        self._show_plan()
        if self._panel.situation.latched:
            self._to_plan = ''
        if self._to_plan and self._to_plan == self._panel.subject(Act.PLAN) and Act.PLAN in acts:
            self.click(Act.PLAN, self._to_plan)

    def text(self) -> tuple[str, ...]:
        """Return the lines that tell the state."""
        return lines(self._panel.situation, self._panel.approved_plan, self._report())

    def click(self, act: Act, subject: str | None) -> tuple[bool, str]:
        """Do what a button stands for; return whether it was begun, and a line about it.

        Args:
            act: of the button.
            subject: what the button was about when it was drawn; None: whatever is on show.
        """
        self._update()
        refusal = self._panel.click(act, subject, time.monotonic())
        if refusal:
            self.get_logger().warning(f'{act.value} refused: {refusal}')
            self._note(f'{act.value} refused: {refusal}')
            return False, refusal
        begun, line = getattr(self, f'_{act.value}')()
        if begun:
            self.get_logger().info(f'{act.value}: {line}')
        else:
            self.get_logger().error(f'{act.value}: {line}')
        self._note(line)
        return begun, line

    def choose(self, number: int) -> tuple[bool, str]:
        """Choose a menu entry; return whether it was accepted, and a line about it."""
        self._update()
        try:
            entry = chosen(self._presets, self._options, number)
            if entry.reload:
                self._presets = read_presets(self._settings)
        except ValueError as error:
            accepted, line = False, str(error)
        else:
            if entry.act is not None:
                return self.click(entry.act, None)
            accepted, line = self._carry_out(entry)
        self._note(line)
        return accepted, line

    def _carry_out(self, entry: Entry) -> tuple[bool, str]:
        line = f'chosen: {entry.line}'
        if 'record' in entry.change:
            return self._goals.record(entry.change['record'], line)
        if 'speed_scaling' in entry.change:
            wanted = entry.change['speed_scaling']
            present, now = self._options.speed_scaling, time.monotonic()
            refusal = self._panel.speed_refusal(wanted, present, now)
            return (False, refusal) if refusal else self._goals.set_speed(wanted, line)
        self._options = dataclasses.replace(self._options, **entry.change)
        if 'instruction' in entry.change:
            self._instruction.publish(String(data=self._options.instruction))
        return True, line

    def _answer(
        self, act: Act, _request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        response.success, response.message = self.click(act, None)
        return response

    def _generate(self) -> tuple[bool, str]:
        seed = self._settings.seed
        if self._options.same_seed and self._episode is not None:
            seed = self._episode.seed
        self._to_plan = ''
        return self._goals.generate(self._options, seed)

    def _plan(self) -> tuple[bool, str]:
        self._to_plan = ''
        return self._goals.plan(self._episode)

    def _approve(self) -> tuple[bool, str]:
        return True, f'plan {self._panel.approved_plan} is approved; replay moves the arms'

    def _replay(self) -> tuple[bool, str]:
        return self._goals.replay(self._state)

    def _discard(self) -> tuple[bool, str]:
        self._to_plan = ''
        if self._panel.situation.generating:
            return self._goals.cancel_generation()
        if self._panel.situation.phase == 'AWAITING_APPROVAL':
            return self._goals.cancel_plan(self._state.plan_id)
        episode = self._episode
        self._put_on_display(None)
        return True, f'episode {episode.episode_id} is off display'

    def _stop(self) -> tuple[bool, str]:
        return self._goals.stop()

    def _reset(self) -> tuple[bool, str]:
        return self._goals.trigger(names.RESET)

    def _arm(self) -> tuple[bool, str]:
        return self._goals.trigger(names.ARM)

    def _disarm(self) -> tuple[bool, str]:
        return self._goals.trigger(names.DISARM)

    def _update(self) -> None:
        state = self._state
        if state is None or time.monotonic() - self._state_received > STATE_TIMEOUT_S:
            state = ReplayState()
        self._options = dataclasses.replace(
            self._options,
            speed_scaling=state.speed_scaling_wanted if state.phase_name else None,
            armed=state.armed if state.phase_name else None,
            record=self._recording if self.count_publishers(names.RECORDING) else None,
        )
        if not self._goals.generating:
            self._progress = ''
        ended = self._panel.update(
            Situation(
                phase=state.phase_name,
                armed=state.armed,
                latched=state.latched,
                dry_run=state.dry_run,
                latch_reason=state.latch_reason,
                plan_id=state.plan_id,
                plan_episode_id=state.episode_id,
                reported=self._report_on(state.plan_id) is not None,
                warnings=tuple(state.warnings),
                episode_id='' if self._episode is None else self._episode.episode_id,
                instruction=self._options.instruction,
                generator_ready=self._goals.generator_ready,
                generating=self._goals.generating,
            ),
            time.monotonic(),
        )
        if ended:
            self.get_logger().warning(ended)
            self._note(ended)

    def _report(self) -> Report:
        now, state, episode = time.monotonic(), self._state or ReplayState(), self._episode
        plan = self._report_on(state.plan_id) or ClampReport(min_distance=np.nan)
        return Report(
            progress=self._progress,
            model=f'{episode.checkpoint} ({episode.evaluation})' if episode else '',
            clamped=self._clamp_words(plan),
            speed=1.0 if self._options.speed_scaling is None else self._options.speed_scaling,
            recording=self._options.record,
            time_scale=plan.time_scale,
            min_distance=plan.min_distance,
            bodies=plan.min_distance_bodies,
            elapsed=state.time_from_start,
            duration=state.motion_duration,
            alarm=self._goals.alarm,
            error=state.last_error_string if state.last_error_code else '',
            message=self._message if now - self._message_at < MESSAGE_LINGERS_S else '',
        )

    def _report_on(self, plan_id: str) -> ClampReport | None:
        """Return the planner's report on this plan, or None while it has not come."""
        report = self._clamp_report
        return report if report is not None and report.plan_id == plan_id != '' else None

    def _clamp_words(self, report: ClampReport) -> str:
        counts = dict(zip(report.joint_names, report.position_clamps, strict=False))
        largest = dict(zip(report.joint_names, report.largest_position_clamp, strict=False))
        return clamp_words(counts, largest if len(largest) == len(counts) else None, self._units)

    def _show_plan(self) -> None:
        """Draw the plan once its parts have come, and take it away when it is over."""
        state = self._state
        if state is None or self._panel.situation.phase not in SHOWS_PLAN:
            if self._plan_display.shown:
                self._plan_display.clear()
                self._planned = None
            return
        report = self._report_on(state.plan_id)
        if self._planned is None or report is None:
            return
        known = self._episode is not None and self._episode.episode_id == state.episode_id
        requested = self._episode.trajectory if known else None
        self._plan_display.show(self._planned, requested, report)
        self._planned = None

    def _note(self, line: str) -> None:
        self._message, self._message_at = line, time.monotonic()

    def _on_instruction(self, message: String) -> None:
        instruction = message.data.strip()
        self._options = dataclasses.replace(
            self._options, instruction=instruction or self._settings.default_instruction
        )

    def _on_episode(self, message: Episode) -> None:
        try:
            self._put_on_display(message)
        except ValueError as error:
            self._note(f'conditioning image: {error}')
        self.get_logger().info(f'on display: episode {message.episode_id}: {message.instruction}')
        self.refresh()

    def _put_on_display(self, episode: Episode | None) -> None:
        self._episode = episode
        self._displayed.publish(String(data=episode.episode_id if episode else ''))
        self._comparison.set_episode(episode)

    def _on_state(self, message: ReplayState) -> None:
        changed = self._state is None or self._state.phase != message.phase
        before = self._state.plan_id if self._state is not None else ''
        self._state, self._state_received = message, time.monotonic()
        reason = next((text for text in message.warnings if text.startswith(NEW_PLAN)), '')
        if reason and message.plan_id != before:
            self._note(reason)
        self._robot.show_live(np.array(message.actual.positions))
        if changed:
            self.get_logger().info(f'replay server: {message.phase_name} {message.plan_id}')
            self.refresh()

    def _on_planned(self, message: JointTrajectory) -> None:
        self._planned = message

    def _on_clamp_report(self, message: ClampReport) -> None:
        self._clamp_report = message

    def _on_recording(self, message: Bool) -> None:
        self._recording = message.data

    def _on_ghost(self, message: JointState) -> None:
        self._robot.show_ghost(message.name, np.array(message.position))

    def _on_progress(self, message: GenerateEpisode.Impl.FeedbackMessage) -> None:
        feedback = message.feedback
        self._progress = f'{feedback.stage_name} {feedback.step}/{feedback.total}'

    def _on_generated(self, episode_id: str) -> None:
        if self._settings.plan_after_generation:
            self._to_plan = episode_id


def main() -> int:
    """Run the node until it is asked to end."""
    return run(Operator)
