"""What the generator works on, whoever asked for it: its goals, by their published status."""

from collections.abc import Callable

from action_msgs.msg import GoalStatus, GoalStatusArray
from rclpy.node import Node
from rclpy.qos import qos_profile_action_status_default

from vag_ros import names

STATUS = f'{names.GENERATE_EPISODE}/_action/status'
UNFINISHED = (
    GoalStatus.STATUS_ACCEPTED,
    GoalStatus.STATUS_EXECUTING,
    GoalStatus.STATUS_CANCELING,
)


class GenerationWatch:
    """Knows whether something is being generated.

    Args:
        node: whose executor it runs in.
        on_lost: called when a generator has gone, and its goals with it.

    Attributes:
        running: whether a goal has not ended.
    """

    def __init__(self, node: Node, on_lost: Callable[[], None]) -> None:
        self._node = node
        self._on_lost = on_lost
        self._generators: set[bytes] = set()
        self.running = False
        node.create_subscription(
            GoalStatusArray, STATUS, self._on_status, qos_profile_action_status_default
        )

    def look(self) -> None:
        """Look which generators are there; to be called now and then."""
        # By their end points: one that was started again may be there before the old one is
        # known to have gone.
        there = {
            bytes(end.endpoint_gid) for end in self._node.get_publishers_info_by_topic(STATUS)
        }
        lost, self._generators = self._generators - there, there
        if lost:
            self._on_lost()
            self.running = False

    def _on_status(self, message: GoalStatusArray) -> None:
        self.running = any(goal.status in UNFINISHED for goal in message.status_list)
