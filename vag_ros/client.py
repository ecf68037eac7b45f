"""A Python face of a running VAG stack: generate, approve, replay.

Every call goes through the public actions, services and topics; nothing here has an authority that
a ``ros2 action send_goal`` would not have.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import rclpy
from rclpy.action import ActionClient
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.task import Future
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from vag_ros import names
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.contact import ActionContact
from vag_ros.msg import Episode, ReplayState
from vag_ros.srv import Approve

T = TypeVar('T')
POLL_S = 0.1
ANSWER_S = 30.0


class StackError(RuntimeError):
    """The stack did not do what was asked; the message is its own reason."""


class VagClient:
    """Talk to the nodes of one stack.

    Args:
        namespace: of the stack's nodes.
        check: called about ten times a second while waiting; raise in it to give up, for example
            when a process of the stack has died.
    """

    def __init__(self, namespace: str = '', check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._node = rclpy.create_node('vag_client', namespace=namespace)
        self._generate = ActionClient(self._node, GenerateEpisode, names.GENERATE_EPISODE)
        self._replay = ActionClient(self._node, ReplayTrajectory, names.REPLAY_TRAJECTORY)
        self._approve = self._node.create_client(Approve, names.APPROVE)
        self._arm = self._node.create_client(Trigger, names.ARM)
        self._instruction = self._node.create_publisher(
            String, names.INSTRUCTION, names.LATCHED_QOS
        )
        self._changed = threading.Condition()
        self._latest: dict[str, Any] = {}
        self._watch(ReplayState, names.REPLAY_STATE, names.STATE_QOS)
        self._watch(Bool, names.SIM_SUCCESS, names.LATCHED_QOS)
        self._watch(String, names.BAG, names.LATCHED_QOS)
        self._contacts = {
            name: ActionContact(self._node, action, name)
            for name, action in (
                (names.GENERATE_EPISODE, self._generate),
                (names.REPLAY_TRAJECTORY, self._replay),
            )
        }
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name='vag_client', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and destroy the node."""
        self._executor.shutdown()
        self._thread.join(1.0)
        self._node.destroy_node()

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until both action servers answer and all else of the replay server is there.

        Raises:
            StackError: naming what did not come up in time.
        """
        deadline = time.monotonic() + timeout_s
        for name, ready in (
            *((name, contact.is_made) for name, contact in self._contacts.items()),
            (names.APPROVE, self._approve.service_is_ready),
            (names.ARM, self._arm.service_is_ready),
            (names.REPLAY_STATE, lambda: names.REPLAY_STATE in self._latest),
        ):
            while not ready():
                if time.monotonic() > deadline:
                    raise StackError(f'{name}: not there after {timeout_s:.0f} s')
                self._check()
                time.sleep(POLL_S)

    def generate(
        self,
        instruction: str,
        seed: int,
        on_feedback: Callable[[GenerateEpisode.Feedback], None],
        timeout_s: float,
    ) -> Episode:
        """Publish the instruction and generate one episode from the latest camera image.

        Raises:
            StackError: with the generator's reason.
        """
        self._instruction.publish(String(data=instruction))
        goal = GenerateEpisode.Goal(instruction=instruction, seed=seed)
        result = self._run_goal(self._generate, goal, on_feedback, timeout_s)
        if result.error_code != GenerateEpisode.Result.SUCCESSFUL:
            raise StackError(f'generation failed ({result.error_code}): {result.error_string}')
        return result.episode

    def replay(
        self,
        episode: Episode,
        on_feedback: Callable[[ReplayTrajectory.Feedback], None],
        timeout_s: float,
    ) -> ReplayTrajectory.Result:
        """Send the episode's trajectory and wait for the end of its replay, however it ends."""
        goal = ReplayTrajectory.Goal(
            episode_id=episode.episode_id,
            trajectory=episode.trajectory,
            conditioning_stamp=episode.conditioning_stamp,
            conditioning_image=episode.conditioning_image,
        )
        return self._run_goal(self._replay, goal, on_feedback, timeout_s)

    def approve(self, episode_id: str, plan_id: str) -> None:
        """Ask for the approval of one plan; the answer is logged when it is a refusal.

        Does not wait, so that it can be called from a feedback callback.
        """
        request = Approve.Request(episode_id=episode_id, plan_id=plan_id)
        self._approve.call_async(request).add_done_callback(self._log_refusal)

    def arm(self, timeout_s: float) -> None:
        """Arm the replay server; StackError with its reason when it refuses."""
        answer = self._wait(self._arm.call_async(Trigger.Request()), timeout_s, names.ARM)
        if not answer.success:
            raise StackError(f'{names.ARM}: {answer.message}')

    def latest(self, topic: str) -> Any | None:
        """Return the latest message of a watched topic, None when none has come."""
        return self._latest.get(topic)

    def wait_for(self, topic: str, wanted: Callable[[Any], bool], timeout_s: float) -> bool:
        """Wait until the latest message of ``topic`` is as wanted; False at the timeout."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while topic not in self._latest or not wanted(self._latest[topic]):
                if time.monotonic() > deadline:
                    return False
                self._changed.wait(POLL_S)
        return True

    def _run_goal(
        self, client: ActionClient, goal: Any, on_feedback: Callable, timeout_s: float
    ) -> Any:
        """Send one goal and return its result; cancel it when the wait is given up."""
        sent = self._in_executor(
            client.send_goal_async, goal, lambda message: on_feedback(message.feedback)
        )
        handle = self._wait(sent, ANSWER_S, 'goal response')
        if not handle.accepted:
            raise StackError('the goal was rejected')
        try:
            return self._wait(
                self._in_executor(handle.get_result_async), timeout_s, 'result'
            ).result
        except BaseException:
            handle.cancel_goal_async()
            raise

    def _in_executor(self, function: Callable[..., Future], *arguments: Any) -> Future:
        """Make an asynchronous request in the spinning thread and return its future.

        rclpy's action client notes a request only after sending it: made in another thread, a
        quick reply can come before the note and is lost.
        """
        return self._wait(self._executor.create_task(function, *arguments), ANSWER_S, 'executor')

    def _wait(self, future: Future, timeout_s: float, what: str) -> Any:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        deadline = time.monotonic() + timeout_s
        while not done.wait(POLL_S):
            self._check()
            if time.monotonic() > deadline:
                raise StackError(f'{what}: no answer in {timeout_s:.0f} s')
        return future.result()

    def _watch(self, message_type: type[T], topic: str, qos: Any) -> None:
        def store(message: T) -> None:
            with self._changed:
                self._latest[topic] = message
                self._changed.notify_all()

        self._node.create_subscription(message_type, topic, store, qos)

    def _log_refusal(self, future: Future) -> None:
        if not future.result().success:
            self._node.get_logger().error(f'approval refused: {future.result().message}')

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()
