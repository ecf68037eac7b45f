"""SideNode: subscriptions of the replay server in a node and thread of their own.

An executor looks at every entity of its nodes for every message, so a node with nothing but a few
subscriptions costs a fraction of what the server's own node would; and no other callback can delay
it.
"""

import contextlib
import threading

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node


class SideNode:
    """Spins from :meth:`start` to :meth:`close`, at most once per pause: the newest wins.

    Args:
        server: the node whose name and namespace this one takes after.
        name: appended to the server's name.
        pause_s: after each message.
    """

    def __init__(self, server: Node, name: str, pause_s: float):
        self.node = rclpy.create_node(
            f'{server.get_name()}_{name}',
            namespace=server.get_namespace(),
            context=server.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._pause_s = pause_s
        self._closing = threading.Event()
        self._executor = SingleThreadedExecutor(context=server.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)

    def start(self) -> None:
        """Begin to listen; subscriptions are made before."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._thread.join(1.0)
        self._executor.shutdown()
        self.node.destroy_node()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            while not self._closing.is_set():
                self._executor.spin_once(timeout_sec=0.1)
                self._closing.wait(self._pause_s)
