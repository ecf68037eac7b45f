"""rviz/vag.rviz as data: what its displays subscribe to, and what to remap for another robot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from vag_core import resources
from vag_core.robot import ImageTransport, RobotProfile

TYPES = {
    'rviz_default_plugins/RobotModel': 'std_msgs/msg/String',
    'rviz_default_plugins/Image': 'sensor_msgs/msg/CompressedImage',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
}
SERVER = {
    'update': 'visualization_msgs/msg/InteractiveMarkerUpdate',
    'feedback': 'visualization_msgs/msg/InteractiveMarkerFeedback',
    'get_interactive_markers': 'visualization_msgs/srv/GetInteractiveMarkers',
}
LIVE_CAMERA = 'Live camera'


@dataclass(frozen=True)
class Subscription:
    """What one display subscribes to."""

    display: str
    topic: str
    type_name: str
    qos: QoSProfile


def path() -> Path:
    """Return the shipped configuration."""
    return resources.find('rviz/vag.rviz')


def displays() -> list[dict[str, Any]]:
    """Return the displays of the shipped configuration."""
    return yaml.safe_load(path().read_text())['Visualization Manager']['Displays']


def marker_namespace() -> str:
    """Return the interactive-marker server that the configuration connects to."""
    (found,) = [d for d in displays() if d['Class'].endswith('/InteractiveMarkers')]
    return found['Interactive Markers Namespace']


def subscriptions() -> list[Subscription]:
    """List what the displays subscribe to; interactive markers and TF name no topic."""
    found = []
    for display in displays():
        topic = display.get('Topic') or display.get('Description Topic')
        if topic is None:
            continue
        qos = QoSProfile(
            depth=topic['Depth'],
            reliability=ReliabilityPolicy[topic['Reliability Policy'].upper().replace(' ', '_')],
            durability=DurabilityPolicy[topic['Durability Policy'].upper().replace(' ', '_')],
        )
        found.append(Subscription(display['Name'], topic['Value'], TYPES[display['Class']], qos))
    return found


def remappings(profile: RobotProfile, namespace: str) -> tuple[tuple[str, str], ...]:
    """List (from, to) of every name that differs for this robot in this namespace.

    A camera of raw images is looked at through the ``compressed`` topic that its image_transport
    offers beside it.
    """
    prefix = f'/{namespace.strip("/")}'.rstrip('/')
    camera = profile.camera.topic
    if profile.camera.transport is ImageTransport.RAW:
        camera += '/compressed'
    targets = {
        item.topic: prefix + (f'/{camera}' if item.display == LIVE_CAMERA else item.topic)
        for item in subscriptions()
    }
    server = marker_namespace()
    targets |= {f'{server}/{name}': f'{prefix}{server}/{name}' for name in SERVER}
    return tuple((old, new) for old, new in targets.items() if old != new)
