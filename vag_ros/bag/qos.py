"""QoS of publishers as rosbag2's metadata spells it (version 9)."""

from typing import Any

from rclpy.duration import Duration
from rclpy.qos import QoSProfile


def to_mapping(profile: QoSProfile) -> dict[str, Any]:
    """Return the profile with rosbag2's keys and short names."""
    return {
        'history': profile.history.short_key,
        'depth': profile.depth,
        'reliability': profile.reliability.short_key,
        'durability': profile.durability.short_key,
        'deadline': _duration(profile.deadline),
        'lifespan': _duration(profile.lifespan),
        'liveliness': profile.liveliness.short_key,
        'liveliness_lease_duration': _duration(profile.liveliness_lease_duration),
        'avoid_ros_namespace_conventions': profile.avoid_ros_namespace_conventions,
    }


def _duration(duration: Duration) -> dict[str, int]:
    sec, nsec = divmod(duration.nanoseconds, 1_000_000_000)
    return {'sec': sec, 'nsec': nsec}
