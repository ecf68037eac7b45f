"""The replay server node: the only one that may move the robot, and by default it refuses to.

A goal is checked and timed, shown as a ghost, waits for its approval, and is then streamed to all
arms at a fixed rate. Not a safety-rated function.
"""

import sys
import threading
import time
from functools import partial

from rcl_interfaces.msg import SetParametersResult
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from vag_core.robot import load_profile
from vag_core.safety.gate import Gate
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_ros import names, replay_diagnostics, replay_hold
from vag_ros.convert import to_ns
from vag_ros.follow_joint_trajectory import follow_front
from vag_ros.msg import ReplayState
from vag_ros.parameters import declare
from vag_ros.replay_arming import Arming
from vag_ros.replay_diagnostics import Diagnostics
from vag_ros.replay_display import Display
from vag_ros.replay_driver import DriverServices
from vag_ros.replay_front import ReplayFront
from vag_ros.replay_goal import Robot
from vag_ros.replay_hold import Hold
from vag_ros.replay_listener import RobotListener
from vag_ros.replay_parameters import Parameters, refuse_automatic_motion
from vag_ros.replay_planner import Planner
from vag_ros.replay_runner import Runner
from vag_ros.replay_scene import SceneWatch
from vag_ros.replay_stream import Commander
from vag_ros.shutdown import run
from vag_ros.srv import Approve

GHOST_RATE_HZ = 25.0
RIVAL_CHECK_S = 0.5
STOP_PATIENCE_S = 3.0
# A busy Python thread keeps the interpreter for this long; the default is a whole tick at 200 Hz.
SWITCH_INTERVAL_S = 0.0005


class ReplayServer(Node):
    """Wires the replay of trajectories to actions, services and topics."""

    def __init__(self) -> None:
        super().__init__('replay_server', automatically_declare_parameters_from_overrides=True)
        self._settings = declare(self, Parameters)
        self._profile = profile = load_profile(self._settings.robot)
        refuse_automatic_motion(profile, self._settings, self.get_parameter('use_sim_time').value)
        self._publishing = threading.Lock()
        self._speed = self._settings.speed_scaling
        self._gate = Gate()
        if self._settings.arm_on_start:
            self._gate.arm()
        self._listener = RobotListener(self, profile, self._settings.heartbeat_timeout_s)
        self._scene = SceneWatch(self, profile, self._settings.max_image_age)
        self._drivers = DriverServices(self, profile)
        self._commander = Commander(self, profile)
        self._planner = Planner(self._settings.robot)
        self._hold = Hold(
            profile, self._listener.feedback, self._commander, self._settings.hold_publish
        )
        self._state = self.create_publisher(ReplayState, names.REPLAY_STATE, names.STATE_QOS)
        self._display = Display(self, profile)
        self._diagnostics = Diagnostics(self, profile, self._listener)
        self._runner = Runner(
            self,
            self._settings,
            self._robot(),
            gate=self._gate,
            hold=self._hold,
            drivers=self._drivers,
            display=self._display,
            on_change=self._publish_state,
        )
        self._arming = Arming(
            profile,
            self._gate,
            self._listener,
            self._commander,
            self._drivers,
            contact=not self._settings.dry_run,
        )
        self.add_on_set_parameters_callback(self._on_parameters)
        self._offer_services()
        self._offer_actions()
        self._start_timers()
        self.get_logger().info(
            f'robot {profile.name}, {profile.command_rate_hz:.0f} Hz, approval '
            f'{self._settings.approval}, dry_run {self._settings.dry_run}'
        )

    def finish(self) -> bool:
        """Bring the arms to rest, tell everybody, and end the planning process.

        Returns whether the arms are at rest.
        """
        self._runner.shut_down(STOP_PATIENCE_S)
        self._hold.end()
        if not self._settings.dry_run:
            self._drivers.close_gates(wait=True)
        self._planner.close()
        self._publish_state()
        self._state.wait_for_all_acked(Duration(seconds=1))
        self._listener.close()
        self._scene.close()
        return self._runner.stopped

    def _robot(self) -> Robot:
        return Robot(
            profile=self._profile,
            feedback=self._listener.feedback,
            commander=self._commander,
            planner=self._planner,
            wall_clock_ns=lambda: self.get_clock().now().nanoseconds,
            trouble=self._trouble,
            changes=self._scene.changes,
            speed=lambda: self._speed,
            real_time_priority=self._settings.real_time_priority,
        )

    def _trouble(self) -> list[Refusal]:
        now = time.monotonic_ns()
        lost = self._listener.heartbeat.lost(now)
        return self._listener.status.problems(now) + ([] if lost is None else [lost])

    def _offer_services(self) -> None:
        # Arming waits for drivers and approval compares images: no stop may wait for either.
        ending, group = MutuallyExclusiveCallbackGroup(), MutuallyExclusiveCallbackGroup()
        for name, callback, where in (
            (names.STOP, self._on_stop, ending),
            (names.DISARM, self._on_disarm, ending),
            (names.RESET, self._on_reset, group),
            (names.ARM, self._on_arm, group),
        ):
            self.create_service(Trigger, name, callback, callback_group=where)
        self.create_service(Approve, names.APPROVE, self._on_approve, callback_group=group)

    def _offer_actions(self) -> None:
        fronts = [ReplayFront(names.REPLAY_TRAJECTORY), follow_front(self, self._profile)]
        self._servers = [
            ActionServer(
                self,
                front.action,
                front.name,
                execute_callback=partial(self._runner.execute, front),
                goal_callback=lambda _: GoalResponse.ACCEPT,
                cancel_callback=lambda _: CancelResponse.ACCEPT,
                callback_group=ReentrantCallbackGroup(),
            )
            for front in fronts
            if front is not None
        ]

    def _start_timers(self) -> None:
        # A wall clock that is set back would stop timers of the node's own clock.
        steady, group = Clock(clock_type=ClockType.STEADY_TIME), MutuallyExclusiveCallbackGroup()
        periods = {
            self._on_timer: 1 / self._settings.state_rate_hz,
            self._on_ghost_timer: 1 / GHOST_RATE_HZ,
            self._on_rival_timer: RIVAL_CHECK_S,
            self._on_diagnostics_timer: 1 / replay_diagnostics.RATE_HZ,
        }
        if self._settings.hold_publish:
            periods[self._on_hold_timer] = 1 / replay_hold.RATE_HZ
        for callback, period in periods.items():
            self.create_timer(period, callback, group, steady)

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        reason = f'{names.STOP} was called'
        self._runner.halt(lambda: self._gate.latch(reason), Refusal(ErrorCode.STOPPED, reason))
        response.success = True
        response.message = f'latched; call {names.RESET}, then {names.ARM}'
        return response

    def _on_disarm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        reason = f'{names.DISARM} was called'
        self._runner.halt(self._gate.disarm, Refusal(ErrorCode.STOPPED, reason))
        response.success, response.message = True, 'disarmed'
        return response

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._runner.reset():
            self._listener.status.clear()
            response.success, response.message = True, f'reset; {names.ARM} permits motion'
        else:
            response.message = 'a goal is still active'
        self._publish_state()
        return response

    def _on_arm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        goal = self._runner.goal
        if not self._runner.idle and goal is not None and goal.motion is not None:
            problems = ['the arms are moving']
        else:
            problems = self._arming.arm()
        response.success, response.message = not problems, '; '.join(problems) or 'armed'
        self._publish_state()
        return response

    def _on_approve(
        self, request: Approve.Request, response: Approve.Response
    ) -> Approve.Response:
        goal = self._runner.goal
        if goal is None or self._runner.idle:
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
        self._scene.add_pose(to_ns(state.header.stamp), self._listener.feedback.pose)
        self._runner.publish_feedback(state)

    def _on_diagnostics_timer(self) -> None:
        self._diagnostics.publish(self._runner.state(self._speed), self._runner.goal)

    def _on_hold_timer(self) -> None:
        if self._runner.idle:
            self._hold.tick(self.get_clock().now().nanoseconds)

    def _on_ghost_timer(self) -> None:
        goal = self._runner.goal
        if goal is not None and self._runner.phase == ReplayState.PHASE_AWAITING_APPROVAL:
            self._display.ghost(goal)

    def _on_rival_timer(self) -> None:
        goal, idle = self._runner.goal, self._runner.idle
        if (idle and not self._hold.active) or goal is None or goal.motion is None:
            return
        conflict = self._commander.conflict()
        if conflict is not None:
            self._hold.end()
            goal.stop(conflict)

    def _publish_state(self) -> ReplayState:
        # Several threads publish: none may say what was true before what another has said since.
        with self._publishing:
            state = self._runner.state(self._speed)
            self._state.publish(state)
        return state


def main() -> int:
    """Run the node until it is asked to end."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run(ReplayServer, threads=4)
