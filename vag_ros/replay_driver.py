"""The drivers' own services: the gate for commands, and the stop that holds an arm."""

import threading

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool

from vag_core.driver import DriverService
from vag_core.robot import RobotProfile
from vag_ros.replay_listener import find_type

ANSWER_S = 2.0


class DriverServices:
    """Calls the gate and stop services of the profile, where it names any."""

    def __init__(self, node: Node, profile: RobotProfile):
        self._log = node.get_logger()
        group = ReentrantCallbackGroup()

        def clients(field: str) -> list:
            services: list[DriverService | None] = [getattr(arm, field) for arm in profile.arms]
            return [
                node.create_client(find_type(service.type), service.name, callback_group=group)
                for service in services
                if service is not None
            ]

        self._gates, self._stops = clients('gate_service'), clients('stop_service')

    def open_gates(self) -> list[str]:
        """Let commands through; return what went wrong, gate by gate. Waits for the answers."""
        problems = [f'{g.srv_name} is not there' for g in self._gates if not g.service_is_ready()]
        if problems:
            return problems
        calls = [(gate, *_call(gate, SetBool.Request(data=True))) for gate in self._gates]
        for gate, future, answered in calls:
            if not answered.wait(ANSWER_S):
                problems.append(f'{gate.srv_name}: no answer in {ANSWER_S:.0f} s')
            elif not future.result().success:
                problems.append(f'{gate.srv_name}: {future.result().message or "refused"}')
        return problems

    def close_gates(self, wait: bool = False) -> None:
        """Let no commands through any more; failures are logged, since nothing waits for them."""
        self._tell(self._gates, SetBool.Request(data=False), wait)

    def stop_arms(self) -> None:
        """Have the drivers hold the arms where they are."""
        self._tell(self._stops, None, False)

    def _tell(self, clients: list, request: SetBool.Request | None, wait: bool) -> None:
        calls = []
        for client in clients:
            if client.service_is_ready():
                calls.append(_call(client, request or client.srv_type.Request()))
            else:
                self._log.warning(f'{client.srv_name} is not there')
        for _, answered in calls if wait else ():
            answered.wait(ANSWER_S)


def _call(client, request) -> tuple[Future, threading.Event]:
    answered = threading.Event()
    future = client.call_async(request)
    future.add_done_callback(lambda _: answered.set())
    return future, answered
