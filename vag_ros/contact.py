"""Contact with an action server: that it hears this node, and that its answers come back."""

import time
import uuid

from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future

REPEAT_S = 1.0


class ActionContact:
    """Find out whether a goal sent to an action server can get lost.

    A server that is ready for this node need not have discovered it yet, and the middleware drops
    an answer to a client that its sender does not know. So the server is asked to cancel a goal
    that does not exist, again and again until it answers. DDS announces the end points of a node
    in the order of their making: who can answer this client, made last, can answer the action's.

    Args:
        node: spins elsewhere.
        action: client of the action, made with ``node`` before.
        name: of the action.
    """

    def __init__(self, node: Node, action: ActionClient, name: str) -> None:
        self._action = action
        self._cancel = node.create_client(CancelGoal, f'{name}/_action/cancel_goal')
        self._answers: list[Future] = []
        self._asked = -REPEAT_S

    def is_made(self) -> bool:
        """Return whether an answer has come; ask again where none has come in a second."""
        if any(answer.done() for answer in self._answers):
            return True
        now = time.monotonic()
        if self._action.server_is_ready() and now >= self._asked + REPEAT_S:
            self._asked = now
            request = CancelGoal.Request()
            request.goal_info.goal_id.uuid = list(uuid.uuid4().bytes)
            self._answers.append(self._cancel.call_async(request))
        return False
