"""The operator node: turns clicks into goals, for whatever is displayed now.

It holds no authority of its own: the generator and the replay server check and refuse as they
would for any other client. Generating, replaying and approving are distinct acts, so a stray click
moves nothing. Every service answers at once with what was started or why not; the rest is logged.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

from vag_ros import names
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.msg import Episode, ReplayState
from vag_ros.parameters import declare, parameter
from vag_ros.phases import AT_REST
from vag_ros.shutdown import run
from vag_ros.srv import Approve

STATE_TIMEOUT_S = 1.0  # the replay server speaks ten times a second
LOG_PERIOD_S = 2.0


@dataclass(frozen=True)
class Parameters:
    """Parameters of the operator."""

    default_instruction: str = parameter('', 'used while none has come on the instruction topic')
    seed: int = parameter(-1, 'of every generation; -1: drawn by the generator', -1, 2**62)


class ActRefused(Exception):  # noqa: N818  (an outcome, not a fault)
    """An act that makes no sense now; the message says why."""


@dataclass(eq=False)
class Generation:
    """A generation that was asked for; ``handle`` is None until the generator has answered."""

    handle: ClientGoalHandle | None = None


class Operator(Node):
    """Node ``operator``."""

    def __init__(self) -> None:
        super().__init__('operator', automatically_declare_parameters_from_overrides=True)
        self._settings = declare(self, Parameters)
        self._instruction = ''
        self._generation: Generation | None = None
        self._episode: Episode | None = None
        self._state: ReplayState | None = None
        self._state_received = 0.0
        self.create_subscription(String, names.INSTRUCTION, self._on_instruction, names.STATE_QOS)
        self.create_subscription(Episode, names.EPISODE, self._on_episode, names.LATCHED_QOS)
        self.create_subscription(ReplayState, names.REPLAY_STATE, self._on_state, names.STATE_QOS)
        self._generator = ActionClient(self, GenerateEpisode, names.GENERATE_EPISODE)
        self._replayer = ActionClient(self, ReplayTrajectory, names.REPLAY_TRAJECTORY)
        self._cancel_replay = self.create_client(
            CancelGoal, f'{names.REPLAY_TRAJECTORY}/_action/cancel_goal'
        )
        self._approval = self.create_client(Approve, names.APPROVE)
        for act in (self.generate, self.replay, self.approve, self.discard):
            service = f'{names.OPERATOR}/{act.__name__}'
            self.create_service(Trigger, service, partial(self._answer, act))

    def _answer(
        self, act: Callable[[], str], _request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        try:
            response.success, response.message = True, act()
            self.get_logger().info(f'{act.__name__}: {response.message}')
        except ActRefused as refusal:
            response.message = str(refusal)
            self.get_logger().warning(f'{act.__name__} refused: {refusal}')
        return response

    def _on_instruction(self, message: String) -> None:
        self._instruction = message.data.strip()

    def _on_episode(self, message: Episode) -> None:
        self._episode = message
        self.get_logger().info(f'on display: episode {message.episode_id}: {message.instruction}')

    def _on_state(self, message: ReplayState) -> None:
        if self._state is None or self._state.phase != message.phase:
            self.get_logger().info(f'replay server: {message.phase_name} {message.plan_id}')
        self._state, self._state_received = message, time.monotonic()

    def _replay_state(self) -> ReplayState:
        if self._state is None:
            raise ActRefused(f'nothing has come on {names.REPLAY_STATE}')
        age = time.monotonic() - self._state_received
        if age > STATE_TIMEOUT_S:
            raise ActRefused(f'the replay server is silent: its last state came {age:.1f} s ago')
        return self._state

    def generate(self) -> str:
        """Ask for an episode of the latest instruction."""
        if self._generation is not None:
            raise ActRefused('a generation is running; discard it or wait')
        if not self._generator.server_is_ready():
            raise ActRefused(f'{names.GENERATE_EPISODE} is not there')
        instruction = self._instruction or self._settings.default_instruction
        if not instruction:
            raise ActRefused(
                f'nothing has come on {names.INSTRUCTION} and default_instruction is empty'
            )
        goal = GenerateEpisode.Goal(instruction=instruction, seed=self._settings.seed)
        self._generation = generation = Generation()
        sent = self._generator.send_goal_async(goal, self._on_generation_feedback)
        sent.add_done_callback(partial(self._on_generation_response, generation))
        return f'asked for {instruction!r}, seed {goal.seed}'

    def replay(self) -> str:
        """Ask for a plan of the displayed episode; it moves nothing until it is approved."""
        episode, state = self._episode, self._replay_state()
        if episode is None:
            raise ActRefused('no episode is on display')
        if state.phase == ReplayState.PHASE_LATCHED:
            raise ActRefused(
                f'the replay server is latched: {state.latch_reason}; call '
                f'{names.RESET} and {names.ARM} first'
            )
        if state.phase != ReplayState.PHASE_IDLE:
            raise ActRefused(f'the replay server is in {state.phase_name}')
        if not self._replayer.server_is_ready():
            raise ActRefused(f'{names.REPLAY_TRAJECTORY} is not there')
        goal = ReplayTrajectory.Goal(
            episode_id=episode.episode_id,
            trajectory=episode.trajectory,
            conditioning_stamp=episode.conditioning_stamp,
        )
        sent = self._replayer.send_goal_async(goal, self._on_replay_feedback)
        sent.add_done_callback(self._on_replay_response)
        return f'asked for a plan of episode {episode.episode_id}'

    def approve(self) -> str:
        """Approve the plan on show, if it is that of the displayed episode."""
        state = self._replay_state()
        if state.phase != ReplayState.PHASE_AWAITING_APPROVAL:
            raise ActRefused(
                f'no plan awaits approval: the replay server is in {state.phase_name}'
            )
        if self._episode is not None and self._episode.episode_id != state.episode_id:
            raise ActRefused(
                f'the plan on show is of episode {state.episode_id}, on display is '
                f'{self._episode.episode_id}'
            )
        if not self._approval.service_is_ready():
            raise ActRefused(f'{names.APPROVE} is not there')
        request = Approve.Request(episode_id=state.episode_id, plan_id=state.plan_id)
        self._approval.call_async(request).add_done_callback(self._on_approval)
        return f'approval sent for plan {state.plan_id} of episode {state.episode_id}'

    def discard(self) -> str:
        """Cancel a running generation, or the plan that awaits approval, or forget the episode."""
        if self._generation is not None:
            generation, self._generation = self._generation, None
            if generation.handle is not None:
                generation.handle.cancel_goal_async()
            return 'generation canceled'
        try:
            state = self._replay_state()
        except ActRefused:
            state = ReplayState(phase=ReplayState.PHASE_IDLE)
        if state.phase == ReplayState.PHASE_AWAITING_APPROVAL:
            # No goal id and no stamp: whatever the server holds, also what a script sent.
            self._cancel_replay.call_async(CancelGoal.Request())
            return f'plan {state.plan_id} canceled'
        if state.phase not in AT_REST:
            raise ActRefused(
                f'the replay server is in {state.phase_name}; {names.STOP} stops the arms'
            )
        if self._episode is None:
            raise ActRefused('nothing is on display')
        episode, self._episode = self._episode, None
        return f'episode {episode.episode_id} is off display'

    def _on_generation_response(self, generation: Generation, sent: Future) -> None:
        handle = sent.result()
        if not handle.accepted:
            self.get_logger().error('the generator rejected the goal')
            self._forget(generation)
            return
        if generation is not self._generation:
            handle.cancel_goal_async()
        generation.handle = handle
        handle.get_result_async().add_done_callback(
            partial(self._on_generation_result, generation)
        )

    def _on_generation_feedback(self, message: GenerateEpisode.Impl.FeedbackMessage) -> None:
        feedback = message.feedback
        self.get_logger().info(
            f'{feedback.stage_name} {feedback.step}/{feedback.total}, {feedback.elapsed:.1f} s',
            throttle_duration_sec=LOG_PERIOD_S,
        )

    def _on_generation_result(self, generation: Generation, future: Future) -> None:
        self._forget(generation)
        self._log_outcome('generation', future.result().result)

    def _forget(self, generation: Generation) -> None:
        if self._generation is generation:
            self._generation = None

    def _on_replay_response(self, sent: Future) -> None:
        handle = sent.result()
        if handle.accepted:
            handle.get_result_async().add_done_callback(
                lambda future: self._log_outcome('replay', future.result().result)
            )
        else:
            self.get_logger().error('the replay server rejected the goal')

    def _on_replay_feedback(self, message: ReplayTrajectory.Impl.FeedbackMessage) -> None:
        feedback = message.feedback
        if not feedback.time_from_start:
            return
        self.get_logger().info(
            f'replay: {feedback.time_from_start:.1f} of {feedback.motion_duration:.1f} s',
            throttle_duration_sec=LOG_PERIOD_S,
        )

    def _on_approval(self, future: Future) -> None:
        answer = future.result()
        if answer.success:
            self.get_logger().info(f'approval accepted {answer.message}')
        else:
            self.get_logger().error(f'approval refused: {answer.message}')

    def _log_outcome(
        self, what: str, result: GenerateEpisode.Result | ReplayTrajectory.Result
    ) -> None:
        if result.error_code == 0:
            self.get_logger().info(f'{what} succeeded')
        else:
            self.get_logger().error(f'{what} ended ({result.error_code}): {result.error_string}')


def main() -> int:
    """Run the node until it is asked to end."""
    return run(Operator)
