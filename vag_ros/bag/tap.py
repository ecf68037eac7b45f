"""Receive many small messages cheaply: subscriptions that are emptied on demand, not one by one.

An rclpy executor builds its wait set anew for every message or two, with two QoS events for every
subscription in it. At 800 joint states per second that takes half a core; emptying the same queues
20 times a second takes a small part of it. The middleware stamps each message when it arrives, so
its receive time does not depend on when it is taken.
"""

import collections
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import (
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.subscription import Subscription

from vag_ros.bag.topics import RecordedTopic

RECENT = 1024
ANYTHING = QoSProfile(depth=400, reliability=ReliabilityPolicy.BEST_EFFORT)


@dataclass(frozen=True)
class Received:
    """One message as it came: CDR bytes, when it was received and when it was sent (ns, epoch)."""

    topic: RecordedTopic
    data: bytes
    received_ns: int
    sent_ns: int


class Tap:
    """Subscriptions of ``node`` to ``topics``, emptied by :meth:`take`."""

    def __init__(self, node: Node, topics: Sequence[RecordedTopic]) -> None:
        self._node = node
        self._group = _NotExecuted()
        self._topics = {topic.name: topic for topic in topics}
        self._subscriptions: dict[str, list[Subscription]] = {name: [] for name in self._topics}
        self._last: collections.Counter[Subscription] = collections.Counter()
        self._recent = {name: collections.deque(maxlen=RECENT) for name in self._topics}
        for topic in topics:
            for profile in topic.qos:
                self._subscribe(topic, profile)

    def _subscribe(self, topic: RecordedTopic, profile: QoSProfile) -> None:
        subscription = self._node.create_subscription(
            topic.message_class,
            topic.name,
            lambda _: None,
            profile,
            callback_group=self._group,
            raw=True,
        )
        self._subscriptions[topic.name].append(subscription)

    def match_publishers(self) -> None:
        """Subscribe once more, best effort, where a publisher offers too little to be heard."""
        for name, subscriptions in self._subscriptions.items():
            absolute = self._node.resolve_topic_name(name)
            for publisher in self._node.get_publishers_info_by_topic(absolute):
                checks = [
                    qos_check_compatible(publisher.qos_profile, own.qos_profile)[0]
                    for own in subscriptions
                ]
                if all(level == QoSCompatibility.ERROR for level in checks):
                    self._subscribe(self._topics[name], ANYTHING)

    def take(self) -> list[Received]:
        """Return everything that has arrived since the last call, in order of arrival.

        Each publisher's messages keep the order in which they were published. One that was lost
        and sent again holds back those after it, so they count as received no earlier than it.
        """
        batch = []
        for name, subscriptions in self._subscriptions.items():
            for subscription in subscriptions:
                with subscription.handle:
                    twice = len(subscriptions) > 1
                    batch += self._empty(self._topics[name], subscription, twice)
        return sorted(batch, key=lambda received: received.received_ns)

    def _empty(
        self, topic: RecordedTopic, subscription: Subscription, twice: bool
    ) -> Iterator[Received]:
        """Yield what waits in one subscription, without what another one has heard already."""
        recent = self._recent[topic.name]
        while taken := subscription.handle.take_message(topic.message_class, True):
            data, info = taken
            sent_ns = info['source_timestamp']
            received_ns = info['received_timestamp'] or time.time_ns()
            self._last[subscription] = received_ns = max(received_ns, self._last[subscription])
            if twice and sent_ns in recent:
                continue
            if twice:
                recent.append(sent_ns)
            yield Received(topic, data, received_ns, sent_ns)


class _NotExecuted(CallbackGroup):
    """Keeps its members out of every executor's wait set."""

    def can_execute(self, entity: object) -> bool:
        """Return False: nobody but :class:`Tap` takes from these subscriptions."""
        return False

    def beginning_execution(self, entity: object) -> bool:
        """Return False, as above."""
        return False

    def ending_execution(self, entity: object) -> None:
        """Do nothing: no execution ever begins."""
