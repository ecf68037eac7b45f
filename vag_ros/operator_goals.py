"""The operator's goals and requests: what each act of the panel sends, and what came of it.

Nothing here waits: an act returns whether somebody was asked, and a line that says for what or why
not; the rest is noted when it comes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from action_msgs.srv import CancelGoal
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from vag_core.panel_menu import Options
from vag_ros import names
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.generation_watch import GenerationWatch
from vag_ros.msg import Episode, ReplayState
from vag_ros.operator_stop import StopCall
from vag_ros.parameters import request_to_set
from vag_ros.srv import Approve

# Arming waits for drivers.
PATIENCE_S = 5.0
CANCELABLE = (names.GENERATE_EPISODE, names.REPLAY_TRAJECTORY, names.FOLLOW_JOINT_TRAJECTORY)


@dataclass(eq=False)
class Generation:
    """A generation that was asked for; ``handle`` is None until the generator has answered."""

    handle: ClientGoalHandle | None = None


class Goals:
    """Clients of the generator, the replay server and the recorder.

    Args:
        node: whose executor everything runs in.
        note: called with each line that a person should read.
        on_generated: called with the id of an episode that this operator asked for.
    """

    def __init__(
        self, node: Node, note: Callable[[str], None], on_generated: Callable[[str], None]
    ) -> None:
        self._node = node
        self._note = note
        self._on_generated = on_generated
        self._generation: Generation | None = None
        self._unanswered: dict[Future, tuple[str, float]] = {}
        self._watch = GenerationWatch(node, self._on_generator_lost)
        self._generator = ActionClient(node, GenerateEpisode, names.GENERATE_EPISODE)
        self._replayer = ActionClient(node, ReplayTrajectory, names.REPLAY_TRAJECTORY)
        self._cancels = {
            name: node.create_client(CancelGoal, f'{name}/_action/cancel_goal')
            for name in CANCELABLE
        }
        self._approval = node.create_client(Approve, names.APPROVE)
        self._recording = node.create_client(SetBool, names.RECORD)
        self._parameters = node.create_client(SetParameters, names.REPLAY_PARAMETERS)
        self._triggers = {
            name: node.create_client(Trigger, name)
            for name in (names.RESET, names.ARM, names.DISARM)
        }
        self._stop = StopCall(node, note)
        self.stop = self._stop.press

    def look(self) -> None:
        """See whether anybody has gone or gives no answer; to be called now and then."""
        self._watch.look()
        now = time.monotonic()
        for future, (name, asked) in tuple(self._unanswered.items()):
            if now - asked > PATIENCE_S:
                del self._unanswered[future]
                self._note(f'{name}: NO ANSWER for {PATIENCE_S:.0f} s')

    @property
    def alarm(self) -> str:
        """A line about a STOP that nobody answers, else ''."""
        return self._stop.alarm

    @property
    def generating(self) -> bool:
        """Whether a generation was asked for here, or runs for anybody else."""
        return self._generation is not None or self._watch.running

    @property
    def generator_ready(self) -> bool:
        """Whether somebody offers to generate."""
        return self._generator.server_is_ready()

    def generate(self, options: Options, seed: int) -> tuple[bool, str]:
        """Ask for an episode."""
        if not self.generator_ready:
            return False, f'{names.GENERATE_EPISODE} is not there'
        goal = GenerateEpisode.Goal(
            instruction=options.instruction,
            seed=seed,
            steps=options.steps,
            guidance=options.guidance,
        )
        self._generation = generation = Generation()
        sent = self._generator.send_goal_async(goal)
        sent.add_done_callback(partial(self._on_generation_response, generation))
        return True, f'asked for {goal.instruction!r}, seed {"new" if seed == -1 else seed}'

    def cancel_generation(self) -> tuple[bool, str]:
        """Cancel whatever the generator works on, also what a script sent."""
        generation, self._generation = self._generation, None
        if generation is not None and generation.handle is None:
            # Once the generator has answered; before that it may know of no goal.
            return True, 'asked to cancel the generation'
        return self._cancel('the generation', names.GENERATE_EPISODE)

    def plan(self, episode: Episode) -> tuple[bool, str]:
        """Ask for a plan; it moves nothing until it is approved, whoever approves otherwise."""
        if not self._replayer.server_is_ready():
            return False, f'{names.REPLAY_TRAJECTORY} is not there'
        goal = ReplayTrajectory.Goal(
            episode_id=episode.episode_id,
            trajectory=episode.trajectory,
            conditioning_stamp=episode.conditioning_stamp,
            conditioning_image=episode.conditioning_image,
            wait_for_approval=True,
        )
        sent = self._replayer.send_goal_async(goal)
        sent.add_done_callback(self._on_replay_response)
        return True, f'asked for a plan of episode {episode.episode_id}'

    def cancel_plan(self, plan_id: str) -> tuple[bool, str]:
        """Cancel whatever the replay server holds, also what a script sent, by either action."""
        fronts = (names.REPLAY_TRAJECTORY, names.FOLLOW_JOINT_TRAJECTORY)
        return self._cancel(f'plan {plan_id}', *fronts)

    def replay(self, state: ReplayState) -> tuple[bool, str]:
        """Let the plan on show move the arms."""
        request = Approve.Request(episode_id=state.episode_id, plan_id=state.plan_id)
        line = f'asked for the replay of plan {state.plan_id}'
        return self._ask(self._approval, names.APPROVE, request, line)

    def trigger(self, name: str) -> tuple[bool, str]:
        """Call one of the replay server's services without fields."""
        return self._ask(self._triggers[name], name, Trigger.Request(), f'{name} called')

    def record(self, on: bool, line: str) -> tuple[bool, str]:
        """Switch the recording of episodes on or off."""
        return self._ask(self._recording, names.RECORD, SetBool.Request(data=on), line)

    def set_speed(self, share: float, line: str) -> tuple[bool, str]:
        """Set the share of the planned speed at which the arms move."""
        request = request_to_set(names.SPEED_SCALING, float(share))
        return self._ask(self._parameters, names.SPEED_SCALING, request, line)

    def _ask(self, client: Any, name: str, request: Any, line: str) -> tuple[bool, str]:
        """Call a service; return ``line``, or why it was not called."""
        if not client.service_is_ready():
            return False, f'{name} is not there'
        future = client.call_async(request)
        self._unanswered[future] = name, time.monotonic()
        future.add_done_callback(partial(self._on_answer, name))
        return True, line

    def _cancel(self, what: str, *actions: str) -> tuple[bool, str]:
        """Cancel all goals of these actions."""
        there = [self._cancels[name] for name in actions if self._cancels[name].service_is_ready()]
        if not there:
            return False, f'{actions[0]} is not there: {what} was not canceled'
        answers = [client.call_async(CancelGoal.Request()) for client in there]
        for answer in answers:
            self._unanswered[answer] = f'cancel {what}', time.monotonic()
            answer.add_done_callback(partial(self._on_cancel_answer, what, answers))
        return True, f'asked to cancel {what}'

    def _on_cancel_answer(self, what: str, answers: Sequence[Future], answered: Future) -> None:
        self._unanswered.pop(answered, None)
        if answered.result().goals_canceling:
            self._note(f'{what} is canceled')
        elif all(answer.done() and not answer.result().goals_canceling for answer in answers):
            codes = {answer.result().return_code for answer in answers}
            ended = codes == {CancelGoal.Response.ERROR_NONE}
            reason = 'it is ending or has ended' if ended else f'refused, return code {max(codes)}'
            self._note(f'{what} was NOT canceled: {reason}')

    def _on_answer(self, name: str, future: Future) -> None:
        late = self._unanswered.pop(future, None) is None
        answer = future.result()
        if isinstance(answer, SetParameters.Response):
            (result,) = answer.results
            successful, message = result.successful, result.reason
        else:
            successful, message = answer.success, answer.message
        if successful:
            self._node.get_logger().info(f'{name}: done {message}')
            if late:
                self._note(f'{name}: done {message}')
        else:
            self._node.get_logger().error(f'{name} refused: {message}')
            self._note(f'{name} refused: {message}')
        if isinstance(answer, Approve.Response) and answer.warnings:
            outcome = 'the replay began' if successful else f'{name} refused: {message}'
            self._note(f'{outcome}; WARNING: {"; ".join(answer.warnings)}')

    def _on_generation_response(self, generation: Generation, sent: Future) -> None:
        handle = sent.result()
        if not handle.accepted:
            self._note('the generator rejected the goal')
            self._forget(generation)
            return
        if generation is not self._generation:
            handle.cancel_goal_async()
        generation.handle = handle
        handle.get_result_async().add_done_callback(
            partial(self._on_generation_result, generation)
        )

    def _on_generation_result(self, generation: Generation, future: Future) -> None:
        wanted = self._generation is generation
        self._forget(generation)
        result = future.result().result
        self._log_outcome('generation', result)
        if result.error_code == 0 and wanted:
            self._on_generated(result.episode.episode_id)

    def _on_generator_lost(self) -> None:
        if self.generating:
            self._note('the generator is gone, and the generation with it')
        self._generation = None

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
            self._note('the replay server rejected the goal')

    def _log_outcome(
        self, what: str, result: GenerateEpisode.Result | ReplayTrajectory.Result
    ) -> None:
        if result.error_code == 0:
            self._node.get_logger().info(f'{what} succeeded')
            self._note(f'{what} succeeded')
        else:
            reason = result.error_string
            self._node.get_logger().error(f'{what} ended ({result.error_code}): {reason}')
            self._note(f'{what} ended: {reason}')
