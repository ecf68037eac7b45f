"""The operator's goals and requests: what each act of the panel sends, and what came of it.

Nothing here waits: an act returns a line that says what was asked for; the rest is noted when it
comes.
"""

from collections.abc import Callable
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
from vag_ros.msg import Episode, ReplayState
from vag_ros.parameters import request_to_set
from vag_ros.srv import Approve

LOG_PERIOD_S = 2.0


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
        self._generator = ActionClient(node, GenerateEpisode, names.GENERATE_EPISODE)
        self._replayer = ActionClient(node, ReplayTrajectory, names.REPLAY_TRAJECTORY)
        self._cancel_replay = node.create_client(
            CancelGoal, f'{names.REPLAY_TRAJECTORY}/_action/cancel_goal'
        )
        self._approval = node.create_client(Approve, names.APPROVE)
        self._recording = node.create_client(SetBool, names.RECORD)
        self._parameters = node.create_client(SetParameters, names.REPLAY_PARAMETERS)
        self._triggers = {
            name: node.create_client(Trigger, name)
            for name in (names.STOP, names.RESET, names.ARM, names.DISARM)
        }

    @property
    def generating(self) -> bool:
        """Whether a generation was asked for and has not ended."""
        return self._generation is not None

    @property
    def generator_ready(self) -> bool:
        """Whether somebody offers to generate."""
        return self._generator.server_is_ready()

    def generate(self, options: Options, seed: int) -> str:
        """Ask for an episode."""
        goal = GenerateEpisode.Goal(
            instruction=options.instruction,
            seed=seed,
            steps=options.steps,
            guidance=options.guidance,
        )
        self._generation = generation = Generation()
        sent = self._generator.send_goal_async(goal)
        sent.add_done_callback(partial(self._on_generation_response, generation))
        return f'asked for {goal.instruction!r}, seed {"new" if seed == -1 else seed}'

    def cancel_generation(self) -> str:
        """End the running generation."""
        generation, self._generation = self._generation, None
        if generation.handle is not None:
            generation.handle.cancel_goal_async()
        return 'generation canceled'

    def plan(self, episode: Episode) -> str:
        """Ask for a plan; it moves nothing until it is approved, whoever approves otherwise."""
        if not self._replayer.server_is_ready():
            return f'{names.REPLAY_TRAJECTORY} is not there'
        goal = ReplayTrajectory.Goal(
            episode_id=episode.episode_id,
            trajectory=episode.trajectory,
            conditioning_stamp=episode.conditioning_stamp,
            conditioning_image=episode.conditioning_image,
            wait_for_approval=True,
        )
        sent = self._replayer.send_goal_async(goal)
        sent.add_done_callback(self._on_replay_response)
        return f'asked for a plan of episode {episode.episode_id}'

    def cancel_plan(self, plan_id: str) -> str:
        """Cancel whatever the replay server holds, also what a script sent."""
        self._cancel_replay.call_async(CancelGoal.Request())
        return f'plan {plan_id} canceled'

    def replay(self, state: ReplayState) -> str:
        """Let the plan on show move the arms."""
        request = Approve.Request(episode_id=state.episode_id, plan_id=state.plan_id)
        self._ask(self._approval, names.APPROVE, request)
        return f'asked for the replay of plan {state.plan_id}'

    def trigger(self, name: str) -> str:
        """Call one of the replay server's services without fields."""
        self._ask(self._triggers[name], name, Trigger.Request())
        return f'{name} called'

    def record(self, on: bool) -> None:
        """Switch the recording of episodes on or off."""
        self._ask(self._recording, names.RECORD, SetBool.Request(data=on))

    def set_speed(self, share: float) -> None:
        """Set the share of the planned speed at which the arms move."""
        request = request_to_set(names.SPEED_SCALING, float(share))
        self._ask(self._parameters, names.SPEED_SCALING, request)

    def _ask(self, client: Any, name: str, request: Any) -> None:
        if client.service_is_ready():
            client.call_async(request).add_done_callback(partial(self._on_answer, name))
        else:
            self._note(f'{name} is not there')

    def _on_answer(self, name: str, future: Future) -> None:
        answer = future.result()
        if isinstance(answer, SetParameters.Response):
            (result,) = answer.results
            successful, message = result.successful, result.reason
        else:
            successful, message = answer.success, answer.message
        if successful:
            self._node.get_logger().info(f'{name}: done {message}')
        else:
            self._node.get_logger().error(f'{name} refused: {message}')
            self._note(f'{name} refused: {message}')

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
