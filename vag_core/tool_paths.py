"""Where the tools go along a trajectory, how fast, and which requested points are out of range."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vag_core.kinematics import KinematicTree
from vag_core.robot import RobotProfile

NOTICEABLE = 1e-3
"""A point moved by less, rad or m, is not worth a person's attention."""


@dataclass(frozen=True, eq=False)
class ToolPath:
    """The way of one arm's tool.

    Attributes:
        points: (N, 3) m in the robot's root frame.
        speed: (N,) m/s.
    """

    points: np.ndarray
    speed: np.ndarray


def tool_paths(
    tree: KinematicTree,
    profile: RobotProfile,
    positions: np.ndarray,
    times: np.ndarray,
) -> dict[str, ToolPath]:
    """Return the path of each arm's ``tcp`` link, by arm name.

    Args:
        tree: the robot's.
        profile: names the columns of ``positions``.
        positions: (N, D) rad and m.
        times: (N,) s, increasing.
    """
    poses = tree.poses(dict(zip(profile.joint_names, np.asarray(positions).T, strict=True)))
    paths = {}
    for arm in profile.arms:
        points = poses[f'{arm.name}_tcp'][..., :3, 3]
        speed = np.zeros(len(points))
        if len(points) > 1:
            speed = np.linalg.norm(np.gradient(points, times, axis=0), axis=1)
        paths[arm.name] = ToolPath(points, speed)
    return paths


def clamped(profile: RobotProfile, requested: np.ndarray) -> np.ndarray:
    """Return which positions (N, D) will be moved onto a limit by a :data:`NOTICEABLE` amount."""
    requested = np.asarray(requested)
    inside = np.clip(requested, profile.lower, profile.upper)
    return np.abs(inside - requested) > NOTICEABLE


def clamped_points(
    tree: KinematicTree, profile: RobotProfile, requested: np.ndarray
) -> dict[str, np.ndarray]:
    """Return where (K, 3) each arm's tool is at requested points (N, D) outside its limits.

    The places are those of the points once they are moved onto the limits; who is outside by less
    than :data:`NOTICEABLE` is not listed.
    """
    requested = np.asarray(requested)
    inside = np.clip(requested, profile.lower, profile.upper)
    poses = tree.poses(dict(zip(profile.joint_names, inside.T, strict=True)))
    outside = clamped(profile, requested)
    found = {}
    for arm in profile.arms:
        moved = outside[:, profile.arm_slice(arm)].any(axis=1)
        found[arm.name] = poses[f'{arm.name}_tcp'][moved, :3, 3]
    return found


def thinned(count: int, most: int) -> np.ndarray:
    """Indices of at most ``most`` of ``count`` points, evenly spaced, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


# Dark blue over green to yellow: told apart in every kind of colour vision, and by brightness.
_RAMP = np.array([[0.27, 0.00, 0.33], [0.13, 0.57, 0.55], [0.99, 0.91, 0.14]])


def colours(values: Sequence[float], highest: float) -> np.ndarray:
    """Return RGB (N, 3) in 0..1, from dark at 0 to bright at ``highest`` and beyond."""
    share = np.clip(np.asarray(values, dtype=float) / max(highest, 1e-9), 0.0, 1.0)
    return np.stack([np.interp(share, (0.0, 0.5, 1.0), channel) for channel in _RAMP.T], axis=-1)
