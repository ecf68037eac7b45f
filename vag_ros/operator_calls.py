"""OperatorCalls: the panel's verbs from a script or a terminal, each a call that waits."""

import time
from typing import Any

import rclpy
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from vag_core.panel import Act
from vag_ros import names
from vag_ros.parameters import request_to_set

REPEAT_S = 0.5
OF_THE_REPLAY_SERVER = {
    Act.STOP: names.STOP,
    Act.RESET: names.RESET,
    Act.ARM: names.ARM,
    Act.DISARM: names.DISARM,
}


class SilentStackError(RuntimeError):
    """Nobody answers; the message names what was called."""


class OperatorCalls:
    """Calls on a running stack, through the default context of rclpy.

    Args:
        namespace: of the stack's nodes.
        timeout_s: that each call may take; :class:`SilentStackError` after it.
    """

    def __init__(self, namespace: str = '', timeout_s: float = 10.0) -> None:
        self._timeout_s = timeout_s
        self._node = rclpy.create_node('vag_operator_calls', namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def press(self, act: Act) -> tuple[bool, str]:
        """Press a button; whether it was begun, and what was answered."""
        name = OF_THE_REPLAY_SERVER.get(act, f'{names.OPERATOR}/{act.value}')
        client = self._node.create_client(Trigger, name)
        if act is Act.STOP:
            # At once, and again until it is answered: a second stop does no harm.
            answer = self._ask(client, Trigger.Request(), name, repeat=True)
        else:
            self._meet('replay_server' if act in OF_THE_REPLAY_SERVER else 'operator')
            answer = self._ask(client, Trigger.Request(), name)
        return answer.success, answer.message

    def instruct(self, text: str) -> None:
        """Set the instruction of the next generations."""
        publisher = self._node.create_publisher(String, names.INSTRUCTION, names.LATCHED_QOS)
        self._meet('operator')
        publisher.publish(String(data=text))
        if not publisher.wait_for_all_acked(Duration(seconds=self._timeout_s)):
            raise SilentStackError(f'{names.INSTRUCTION} did not reach everybody')

    def record(self, on: bool) -> tuple[bool, str]:
        """Switch recording on or off."""
        client = self._node.create_client(SetBool, names.RECORD)
        self._meet('recorder')
        answer = self._ask(client, SetBool.Request(data=on), names.RECORD)
        return answer.success, answer.message

    def set_speed(self, share: float) -> tuple[bool, str]:
        """Set the share, 0 to 1, of the planned speed at which the arms move."""
        client = self._node.create_client(SetParameters, names.REPLAY_PARAMETERS)
        self._meet('replay_server')
        request = request_to_set(names.SPEED_SCALING, float(share))
        (result,) = self._ask(client, request, names.REPLAY_PARAMETERS).results
        return result.successful, result.reason or f'speed: {100 * share:g} % of the plan'

    def _meet(self, node_name: str) -> None:
        """Wait until a node knows every end point that was made here before.

        A node that is ready for a request need not have discovered this one yet, and then the
        middleware drops its answer. DDS announces end points in the order of their making.
        """
        name = f'{node_name}/get_parameters'
        client = self._node.create_client(GetParameters, name)
        self._ask(client, GetParameters.Request(), name, repeat=True)

    def _ask(self, client: Any, request: Any, name: str, repeat: bool = False) -> Any:
        """Call a service once it is there; ``repeat`` where calling it twice does no harm."""
        deadline = time.monotonic() + self._timeout_s
        answers: list[Future] = []
        asked = -REPEAT_S
        while not any(answer.done() for answer in answers):
            now = time.monotonic()
            if now > deadline:
                raise SilentStackError(
                    f'nobody answers on {self._node.resolve_service_name(name)}; is the stack '
                    'running, in this ROS domain and namespace?'
                )
            due = not answers or (repeat and now - asked > REPEAT_S)
            if due and client.service_is_ready():
                answers.append(client.call_async(request))
                asked = now
            self._executor.spin_once(timeout_sec=0.05)
        return next(answer.result() for answer in answers if answer.done())
