"""A small server of the interactive-marker protocol, as RViz of Humble and later speaks it.

Below a namespace: ``update`` carries changes, numbered without gaps; ``get_interactive_markers``
answers with everything there is and the number of the last change; ``feedback`` brings clicks. A
client takes the change that follows the number it knows and asks anew when one is missing.
"""

import time
from collections.abc import Callable, Mapping

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from visualization_msgs.msg import (
    InteractiveMarker,
    InteractiveMarkerFeedback,
    InteractiveMarkerUpdate,
)
from visualization_msgs.srv import GetInteractiveMarkers

UPDATE_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
FEEDBACK_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


class InteractiveMarkerServer:
    """Show interactive markers; to be used from the node's executor only.

    Args:
        node: the node that serves.
        namespace: of the three names, relative.
        on_feedback: called with each click, menu selection and other event.
    """

    def __init__(
        self,
        node: Node,
        namespace: str,
        on_feedback: Callable[[InteractiveMarkerFeedback], None],
    ) -> None:
        self._markers: dict[str, InteractiveMarker] = {}
        # Not from 0: to a client of this server's predecessor a change must seem to be missing.
        self._sequence = time.time_ns() // 1000
        self._server_id = f'{node.get_fully_qualified_name()}/{namespace}'
        self._updates = node.create_publisher(
            InteractiveMarkerUpdate, f'{namespace}/update', UPDATE_QOS
        )
        node.create_subscription(
            InteractiveMarkerFeedback, f'{namespace}/feedback', on_feedback, FEEDBACK_QOS
        )
        node.create_service(
            GetInteractiveMarkers, f'{namespace}/get_interactive_markers', self._answer
        )

    def show(self, markers: Mapping[str, InteractiveMarker]) -> None:
        """Make these all that is shown; publish what differs, as one change, if anything does."""
        changed = [marker for name, marker in markers.items() if self._markers.get(name) != marker]
        erased = [name for name in self._markers if name not in markers]
        if not changed and not erased:
            return
        self._markers = dict(markers)
        self._sequence += 1
        self._updates.publish(
            InteractiveMarkerUpdate(
                server_id=self._server_id,
                seq_num=self._sequence,
                type=InteractiveMarkerUpdate.UPDATE,
                markers=changed,
                erases=erased,
            )
        )

    def _answer(
        self, _: GetInteractiveMarkers.Request, response: GetInteractiveMarkers.Response
    ) -> GetInteractiveMarkers.Response:
        response.sequence_number = self._sequence
        response.markers = list(self._markers.values())
        return response
