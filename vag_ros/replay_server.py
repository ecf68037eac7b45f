"""The replay server node: the only one that may move the robot, and by default it refuses to.

A goal is checked and timed, shown as a ghost, waits for its approval, and is then streamed to all
arms at a fixed rate. Not a safety-rated function.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from vag_core.robot import load_profile
from vag_core.safety.gate import Gate
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.scene import image_age
from vag_ros import names, phases, replay_diagnostics, replay_hold
from vag_ros.convert import to_ns
from vag_ros.follow_joint_trajectory import follow_front
from vag_ros.msg import ReplayState
from vag_ros.parameters import declare
from vag_ros.replay_arming import Arming
from vag_ros.replay_diagnostics import Diagnostics
from vag_ros.replay_display import Display
from vag_ros.replay_driver import DriverServices
from vag_ros.replay_front import Front, GoalRequest, ReplayFront
from vag_ros.replay_goal import ReplayGoal, Robot
from vag_ros.replay_hold import Hold
from vag_ros.replay_listener import RobotListener
from vag_ros.replay_messages import fill_state, stamp_refusal, to_request
from vag_ros.replay_parameters import Parameters, refuse_automatic_motion
from vag_ros.replay_planner import Planner
from vag_ros.replay_scene import SceneWatch
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
    ErrorCode.DRIVER_FAULT,
    ErrorCode.COLLISION,
    ErrorCode.CLIENT_LOST,
}
# Endings without a braking that our commands have carried out.
UNBRAKED = {ErrorCode.COMMAND_LATE, ErrorCode.SOFTWARE_FAULT}


class ReplayServer(Node):
    """Wires the replay of trajectories to actions, services and topics."""

    def __init__(self) -> None:
        super().__init__('replay_server', automatically_declare_parameters_from_overrides=True)
        self._settings = declare(self, Parameters)
        self._profile = profile = load_profile(self._settings.robot)
        refuse_automatic_motion(profile, self._settings, self.get_parameter('use_sim_time').value)
        self._lock, self._publishing = threading.Lock(), threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._closing = False
        self._stopped = False
        self._speed = self._settings.speed_scaling
        self._goal: ReplayGoal | None = None
        self._active: tuple[ServerGoalHandle, Front] | None = None
        self._last_error = Refusal(ErrorCode.SUCCESSFUL, '')
        self._gate = Gate()
        if self._settings.arm_on_start:
            self._gate.arm()
        self._listener = RobotListener(self, profile, self._settings.heartbeat_timeout_s)
        self._scene = SceneWatch(self, profile, self._settings.max_image_age)
        self._drivers = DriverServices(self, profile)
        commander = Commander(self, profile)
        self._robot = Robot(
            profile=profile,
            feedback=self._listener.feedback,
            commander=commander,
            planner=Planner(self._settings.robot),
            wall_clock_ns=lambda: self.get_clock().now().nanoseconds,
            trouble=self._trouble,
            changes=self._scene.changes,
            speed=lambda: self._speed,
            real_time_priority=self._settings.real_time_priority,
        )
        self._hold = Hold(profile, self._listener.feedback, commander, self._settings.hold_publish)
        self._arming = Arming(
            profile,
            self._gate,
            self._listener,
            commander,
            self._drivers,
            contact=not self._settings.dry_run,
        )
        self._create_interfaces()
        self.get_logger().info(
            f'robot {profile.name}, {profile.command_rate_hz:.0f} Hz, approval '
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
        self._hold.end()
        if not self._settings.dry_run:
            self._drivers.close_gates(wait=True)
        self._robot.planner.close()
        self._publish_state()
        self._state.wait_for_all_acked(Duration(seconds=1))
        self._listener.close()
        self._scene.close()

    def _close(self) -> None:
        self._closing = True

    def _trouble(self) -> Refusal | None:
        now = time.monotonic_ns()
        return self._listener.status.problem(now) or self._listener.heartbeat.lost(now)

    def _create_interfaces(self) -> None:
        self._state = self.create_publisher(ReplayState, names.REPLAY_STATE, names.STATE_QOS)
        self._display = Display(self, self._profile)
        self._diagnostics = Diagnostics(self, self._profile, self._listener)
        self.add_on_set_parameters_callback(self._on_parameters)
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
        self.create_timer(1 / replay_diagnostics.RATE_HZ, self._on_diagnostics_timer, timers)
        if self._settings.hold_publish:
            self.create_timer(1 / replay_hold.RATE_HZ, self._on_hold_timer, timers)
        fronts = [ReplayFront(names.REPLAY_TRAJECTORY), follow_front(self, self._profile)]
        self._servers = [
            ActionServer(
                self,
                front.action,
                front.name,
                execute_callback=partial(self._execute, front),
                goal_callback=lambda _: GoalResponse.ACCEPT,
                cancel_callback=lambda _: CancelResponse.ACCEPT,
                callback_group=ReentrantCallbackGroup(),
            )
            for front in fronts
            if front is not None
        ]

    def _execute(self, front: Front, handle: ServerGoalHandle) -> Any:
        request = front.request(handle.request)
        goal = self._new_goal(front, handle, request)
        if isinstance(goal, Refusal):
            return self._end(front, handle, goal, None)
        automatic = self._settings.approval == 'auto' and not request.wait_for_approval
        try:
            outcome = goal.run(automatic=automatic, dry_run=self._settings.dry_run)
        except Exception as error:
            self.get_logger().error(traceback.format_exc())
            outcome = Refusal(ErrorCode.SOFTWARE_FAULT, f'the replay server failed: {error!r}')
        try:
            if goal.motion is not None:
                self._after_motion(goal, outcome)
            return self._end(front, handle, outcome or Refusal(ErrorCode.SUCCESSFUL, ''), goal)
        finally:
            self._active = None
            if not (self._gate.armed or self._settings.dry_run):
                self._drivers.close_gates()
            self._idle.set()
            self._publish_state()

    def _after_motion(self, goal: ReplayGoal, outcome: Refusal | None) -> None:
        code = outcome.code if outcome is not None else ErrorCode.SUCCESSFUL
        if code in FAULTS:
            self._gate.latch(outcome.message)
        if code in UNBRAKED:
            self._drivers.stop_arms()
        elif code is not ErrorCode.COMMAND_CONFLICT:
            self._hold.begin(goal.motion.command)

    def _new_goal(
        self, front: Front, handle: ServerGoalHandle, request: GoalRequest | Refusal
    ) -> ReplayGoal | Refusal:
        with self._lock:
            if self._closing:
                return Refusal(ErrorCode.SHUTTING_DOWN, SHUTTING_DOWN)
            if not self._idle.is_set():
                text = f'busy with episode {self._goal.episode_id!r}, plan {self._goal.plan_id!r}'
                return Refusal(ErrorCode.BUSY, text)
            if isinstance(request, Refusal):
                return request
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            self._hold.end()
            self._goal = ReplayGoal(
                episode_id=request.episode_id,
                request=to_request(request.trajectory),
                goal_time_s=request.goal_time_s or self._profile.safety.goal_time_s,
                conditioning=request.conditioning,
                path_tolerance=request.path_tolerance,
                goal_tolerance=request.goal_tolerance,
                robot=self._robot,
                on_change=self._on_goal_change,
                canceled=lambda: handle.is_cancel_requested,
            )
            self._active = handle, front
            self._last_error = Refusal(ErrorCode.SUCCESSFUL, '')
            self._idle.clear()
            return self._goal

    def _refusal(self, request: GoalRequest) -> Refusal | None:
        now = self.get_clock().now().nanoseconds
        checks = [
            lambda: stamp_refusal(request.trajectory, now),
            lambda: image_age(request.conditioning.stamp_ns, now, self._settings.max_image_age),
        ]
        # A dry run sends no command: its plans may be looked at before anything is armed.
        if not self._settings.dry_run:
            checks = [self._gate.refusal, self._trouble, *checks]
        return next((reason for check in checks if (reason := check()) is not None), None)

    def _end(
        self, front: Front, handle: ServerGoalHandle, outcome: Refusal, goal: ReplayGoal | None
    ) -> Any:
        planned = goal is not None and goal.plan is not None
        report = self._display.report(goal) if planned else None
        if outcome.code is ErrorCode.SUCCESSFUL:
            handle.succeed()
        elif outcome.code is ErrorCode.CANCELED:
            handle.canceled()
        else:
            self.get_logger().warning(f'{outcome.code.name}: {outcome.message}')
            handle.abort()
        self._last_error = outcome
        return front.result(outcome, goal, report)

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
            moving = not self._idle.is_set()
            if moving:
                self._goal.stop(reason)
            else:
                self._hold.end()
                if not self._settings.dry_run:
                    self._drivers.close_gates()
        self._publish_state()

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._idle.is_set():
            self._gate.reset()
            self._listener.status.clear()
            response.success, response.message = True, f'reset; {names.ARM} permits motion'
        else:
            response.message = 'a goal is still active'
        self._publish_state()
        return response

    def _on_arm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        problems = self._arming.arm()
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
            goal.compare()
            response.message = goal.approve(request.episode_id, request.plan_id)
            response.warnings = list(goal.warnings)
        response.success = not response.message
        return response

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        for changed in parameters:
            if changed.name == 'speed_scaling':
                # The range check of rclpy lets rounding errors pass.
                self._speed = min(max(changed.value, 0.0), 1.0)
        return SetParametersResult(successful=True)

    def _on_timer(self) -> None:
        state = self._publish_state()
        self._scene.add_pose(to_ns(state.header.stamp), self._robot.feedback.pose)
        active = self._active
        if active is not None and active[0].is_active:
            handle, front = active
            handle.publish_feedback(front.feedback(state))

    def _on_diagnostics_timer(self) -> None:
        self._diagnostics.publish(self._current_state(), self._goal)

    def _on_hold_timer(self) -> None:
        if self._idle.is_set():
            self._hold.tick(self.get_clock().now().nanoseconds)

    def _on_ghost_timer(self) -> None:
        goal = self._goal
        if goal is not None and self._phase() == ReplayState.PHASE_AWAITING_APPROVAL:
            self._display.ghost(goal)

    def _on_rival_timer(self) -> None:
        goal, idle = self._goal, self._idle.is_set()
        if (idle and not self._hold.active) or goal is None or goal.motion is None:
            return
        conflict = self._robot.commander.conflict()
        if conflict is not None:
            self._hold.end()
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
            speed_scaling_wanted=self._speed,
        )
        state.header.stamp = self.get_clock().now().to_msg()
        fill_state(state, self._goal, self._robot.feedback.pose)
        return state


def main() -> int:
    """Run the node until it is asked to end."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run(ReplayServer, threads=4)
