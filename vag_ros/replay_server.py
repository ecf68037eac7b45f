"""The replay server node: the only one that may move the robot, and by default it refuses to.

A goal is checked and timed, shown as a ghost, waits for its approval, and is then streamed to all
arms at a fixed rate. Not a safety-rated function.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.duration import Duration
from rclpy.node import Node
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vag_core.configuration import ConfigError
from vag_core.robot import load_profile
from vag_core.safety.feedback import Feedback
from vag_core.safety.gate import Gate
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.request import check_stamp
from vag_ros import names, phases
from vag_ros.action import ReplayTrajectory
from vag_ros.convert import to_ns
from vag_ros.msg import ReplayState
from vag_ros.parameters import declare, parameter
from vag_ros.replay_display import Display
from vag_ros.replay_feedback import FeedbackListener
from vag_ros.replay_goal import ReplayGoal, Robot
from vag_ros.replay_messages import fill_state, to_request
from vag_ros.replay_planner import Planner
from vag_ros.replay_stream import Commander
from vag_ros.shutdown import run
from vag_ros.srv import Approve

GHOST_RATE_HZ = 25.0
RIVAL_CHECK_S = 0.5
STOP_PATIENCE_S = 3.0
SHUTTING_DOWN = 'the replay server shuts down'
# A busy Python thread keeps the interpreter for this long; the default is a whole tick at 200 Hz.
SWITCH_INTERVAL_S = 0.0005

FAULTS = {
    ErrorCode.PATH_TOLERANCE_VIOLATED,
    ErrorCode.FEEDBACK_STALE,
    ErrorCode.COMMAND_LATE,
    ErrorCode.SOFTWARE_FAULT,
    ErrorCode.COMMAND_CONFLICT,
}


@dataclass(frozen=True)
class Parameters:
    """Parameters of the replay server."""

    robot: str = parameter('sim', 'robot profile: a shipped name or the path of a YAML file')
    approval: str = parameter(
        'operator',
        'who approves a plan; auto: simulated robots only',
        choices=('operator', 'auto'),
    )
    dry_run: bool = parameter(True, 'plan, show and wait for approval, but send no command')
    arm_on_start: bool = parameter(False, 'start armed; simulated robots only')
    state_rate_hz: float = parameter(15.0, 'rate of state and feedback, Hz', 10.0, 20.0)


class ReplayServer(Node):
    """Wires the replay of trajectories to actions, services and topics."""

    def __init__(self) -> None:
        super().__init__('replay_server', automatically_declare_parameters_from_overrides=True)
        self._settings = declare(self, Parameters)
        self._profile = load_profile(self._settings.robot)
        self._refuse_automatic_motion_of_real_robots()
        self._lock, self._publishing = threading.Lock(), threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._closing = False
        self._stopped = False
        self._goal: ReplayGoal | None = None
        self._handle: ServerGoalHandle | None = None
        self._last_error = Refusal(ErrorCode.SUCCESSFUL, '')
        self._gate = Gate()
        if self._settings.arm_on_start:
            self._gate.arm()
        self._robot = Robot(
            profile=self._profile,
            feedback=Feedback(self._profile),
            commander=Commander(self, self._profile),
            planner=Planner(self._settings.robot),
            wall_clock_ns=lambda: self.get_clock().now().nanoseconds,
        )
        self._listener = FeedbackListener(self, self._profile, self._robot.feedback)
        self._create_interfaces()
        self.get_logger().info(
            f'robot {self._profile.name}, {self._profile.command_rate_hz:.0f} Hz, approval '
            f'{self._settings.approval}, dry_run {self._settings.dry_run}'
        )

    def finish(self) -> None:
        """Bring the arms to rest, tell everybody, and end the planning process."""
        self._halt(self._close, Refusal(ErrorCode.SHUTTING_DOWN, SHUTTING_DOWN))
        if self._goal is None or self._goal.motion is None:
            self._robot.planner.close()
        self._stopped = self._idle.wait(STOP_PATIENCE_S)
        if not self._stopped:
            self.get_logger().error(f'still braking after {STOP_PATIENCE_S} s')
        self._robot.planner.close()
        self._publish_state()
        self._state.wait_for_all_acked(Duration(seconds=1))
        self._listener.close()

    def _close(self) -> None:
        self._closing = True

    def _refuse_automatic_motion_of_real_robots(self) -> None:
        if self._profile.simulated:
            return
        for name, value, allowed in (
            ('approval', self._settings.approval, 'operator'),
            ('arm_on_start', self._settings.arm_on_start, False),
            ('use_sim_time', self.get_parameter('use_sim_time').value, False),
        ):
            if value != allowed:
                raise ConfigError(
                    f'parameter {name} = {value!r}: must be {allowed!r} for robot '
                    f'{self._profile.name}, which is not simulated'
                )

    def _create_interfaces(self) -> None:
        self._state = self.create_publisher(ReplayState, names.REPLAY_STATE, names.STATE_QOS)
        self._display = Display(self, self._profile)
        services = MutuallyExclusiveCallbackGroup()
        for name, callback in (
            (names.STOP, self._on_stop),
            (names.RESET, self._on_reset),
            (names.ARM, self._on_arm),
            (names.DISARM, self._on_disarm),
        ):
            self.create_service(Trigger, name, callback, callback_group=services)
        self.create_service(Approve, names.APPROVE, self._on_approve, callback_group=services)
        timers = MutuallyExclusiveCallbackGroup()
        self.create_timer(1 / self._settings.state_rate_hz, self._on_timer, timers)
        self.create_timer(1 / GHOST_RATE_HZ, self._on_ghost_timer, timers)
        self.create_timer(RIVAL_CHECK_S, self._on_rival_timer, timers)
        self._server = ActionServer(
            self,
            ReplayTrajectory,
            names.REPLAY_TRAJECTORY,
            execute_callback=self._execute,
            goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _execute(self, handle: ServerGoalHandle) -> ReplayTrajectory.Result:
        goal = self._new_goal(handle)
        if isinstance(goal, Refusal):
            return self._end(handle, goal, None)
        try:
            outcome = goal.run(
                automatic=self._settings.approval == 'auto'
                and not handle.request.wait_for_approval,
                dry_run=self._settings.dry_run,
            )
        except Exception as error:
            self.get_logger().error(traceback.format_exc())
            outcome = Refusal(ErrorCode.SOFTWARE_FAULT, f'the replay server failed: {error!r}')
        try:
            if outcome is not None and goal.motion is not None and outcome.code in FAULTS:
                self._gate.latch(outcome.message)
            return self._end(handle, outcome, goal)
        finally:
            self._handle = None
            self._idle.set()
            self._publish_state()

    def _new_goal(self, handle: ServerGoalHandle) -> ReplayGoal | Refusal:
        with self._lock:
            if self._closing:
                return Refusal(ErrorCode.SHUTTING_DOWN, SHUTTING_DOWN)
            if not self._idle.is_set():
                text = f'busy with episode {self._goal.episode_id!r}, plan {self._goal.plan_id!r}'
                return Refusal(ErrorCode.BUSY, text)
            # A dry run sends no command: its plans may be looked at before anything is armed.
            refusal = None if self._settings.dry_run else self._gate.refusal()
            refusal = refusal or self._check_stamp(handle.request.trajectory)
            if refusal is not None:
                return refusal
            goal_time = to_ns(handle.request.goal_time_tolerance) * 1e-9
            if goal_time < 0:
                text = f'goal_time_tolerance = {goal_time} s: must not be negative'
                return Refusal(ErrorCode.INVALID_GOAL, text, value=goal_time, limit=0.0)
            self._goal = ReplayGoal(
                episode_id=handle.request.episode_id,
                request=to_request(handle.request.trajectory),
                goal_time_s=goal_time or self._profile.safety.goal_time_s,
                robot=self._robot,
                on_change=self._on_goal_change,
                canceled=lambda: handle.is_cancel_requested,
            )
            self._handle = handle
            self._last_error = Refusal(ErrorCode.SUCCESSFUL, '')
            self._idle.clear()
            return self._goal

    def _check_stamp(self, trajectory: JointTrajectory) -> Refusal | None:
        start = end = to_ns(trajectory.header.stamp)
        if trajectory.points:
            end += to_ns(trajectory.points[-1].time_from_start)
        return check_stamp(start, end, self.get_clock().now().nanoseconds)

    def _end(
        self, handle: ServerGoalHandle, outcome: Refusal | None, goal: ReplayGoal | None
    ) -> ReplayTrajectory.Result:
        result = ReplayTrajectory.Result()
        if goal is not None:
            result.plan_id = goal.plan_id
            if goal.plan is not None:
                result.clamp_report = self._display.report(goal)
            if goal.schedule is not None:
                result.commands_sent = goal.schedule.sent
                result.late_ticks = goal.schedule.late_ticks
                result.max_lateness = goal.schedule.max_lateness * 1e-9
                result.delay = goal.schedule.delay * 1e-9
        outcome = outcome or Refusal(ErrorCode.SUCCESSFUL, '')
        result.error_code, result.error_string = int(outcome.code), outcome.message
        if outcome.code is ErrorCode.SUCCESSFUL:
            handle.succeed()
        elif outcome.code is ErrorCode.CANCELED:
            handle.canceled()
        else:
            self.get_logger().warning(f'{outcome.code.name}: {outcome.message}')
            handle.abort()
        self._last_error = outcome
        return result

    def _on_goal_change(self) -> None:
        if self._goal.phase == ReplayState.PHASE_AWAITING_APPROVAL:
            self._display.show(self._goal)
        self._publish_state()

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        reason = f'{names.STOP} was called'
        self._halt(lambda: self._gate.latch(reason), Refusal(ErrorCode.STOPPED, reason))
        response.success = True
        response.message = f'latched; call {names.RESET}, then {names.ARM}'
        return response

    def _on_disarm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        reason = f'{names.DISARM} was called'
        self._halt(self._gate.disarm, Refusal(ErrorCode.STOPPED, reason))
        response.success, response.message = True, 'disarmed'
        return response

    def _halt(self, close_gate: Callable[[], None], reason: Refusal) -> None:
        # In one step, so that no goal can slip in between.
        with self._lock:
            close_gate()
            if not self._idle.is_set():
                self._goal.stop(reason)
        self._publish_state()

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._idle.is_set():
            self._gate.reset()
            response.success, response.message = True, f'reset; {names.ARM} permits motion'
        else:
            response.message = 'a goal is still active'
        self._publish_state()
        return response

    def _on_arm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        problems = []
        stale = self._robot.feedback.stale(time.monotonic_ns())
        if stale is not None:
            problems.append(stale.message)
        if not self._settings.dry_run:
            problems += [f'nobody listens on {t}' for t in self._robot.commander.unheard()]
            conflict = self._robot.commander.conflict()
            problems += [conflict.message] if conflict is not None else []
        if not problems:
            refusal = self._gate.arm()
            problems += [refusal.message] if refusal is not None else []
        response.success, response.message = not problems, '; '.join(problems) or 'armed'
        self._publish_state()
        return response

    def _on_approve(
        self, request: Approve.Request, response: Approve.Response
    ) -> Approve.Response:
        goal = self._goal
        if goal is None or self._idle.is_set():
            response.message = 'no plan is waiting for approval'
        else:
            response.message = goal.approve(request.episode_id, request.plan_id)
        response.success = not response.message
        return response

    def _on_timer(self) -> None:
        state = self._publish_state()
        handle = self._handle
        if handle is not None and handle.is_active:
            handle.publish_feedback(
                ReplayTrajectory.Feedback(
                    phase=state.phase,
                    plan_id=state.plan_id,
                    joint_names=state.joint_names,
                    desired=state.desired,
                    actual=state.actual,
                    error=state.error,
                    time_from_start=state.time_from_start,
                    motion_duration=state.motion_duration,
                )
            )

    def _on_ghost_timer(self) -> None:
        goal = self._goal
        if goal is not None and self._phase() == ReplayState.PHASE_AWAITING_APPROVAL:
            self._display.ghost(goal)

    def _on_rival_timer(self) -> None:
        goal = self._goal
        if self._idle.is_set() or goal is None or goal.motion is None:
            return
        conflict = self._robot.commander.conflict()
        if conflict is not None:
            goal.stop(conflict)

    def _phase(self) -> int:
        if self._stopped:
            return ReplayState.PHASE_STOPPED
        if not self._idle.is_set():
            return self._goal.phase
        return ReplayState.PHASE_LATCHED if self._gate.latched else ReplayState.PHASE_IDLE

    def _publish_state(self) -> ReplayState:
        # Several threads publish: none may say what was true before what another has said since.
        with self._publishing:
            state = self._current_state()
            self._state.publish(state)
        return state

    def _current_state(self) -> ReplayState:
        phase = self._phase()
        state = ReplayState(
            phase=phase,
            phase_name=phases.NAMES[phase],
            armed=self._gate.armed,
            latched=self._gate.latched,
            dry_run=self._settings.dry_run,
            latch_reason=self._gate.latch_reason,
            last_error_code=int(self._last_error.code),
            last_error_string=self._last_error.message,
            joint_names=list(self._profile.joint_names),
        )
        state.header.stamp = self.get_clock().now().to_msg()
        fill_state(state, self._goal, self._robot.feedback.pose)
        return state


def main() -> int:
    """Run the node until it is asked to end."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run(ReplayServer, threads=4)
