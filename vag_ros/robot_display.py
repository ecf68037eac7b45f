"""The live robot and its ghost for RViz: descriptions, and where their links are.

Where tf2_msgs can be imported, poses go out as TF, those of the ghost below ``ghost/``; elsewhere
both robots are drawn as markers in the root frame.
"""

import time

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from std_msgs.msg import ColorRGBA, String
from visualization_msgs.msg import Marker, MarkerArray

from vag_core.kinematics import KinematicTree, ShapeKind
from vag_core.robot import RobotProfile
from vag_core.robot_description import describe
from vag_ros import names

try:
    from tf2_msgs.msg import TFMessage
except ImportError:  # comes with a ROS 2 installation only
    TFMessage = None

GHOST_PREFIX = 'ghost/'
GHOST_LINGERS_S = 0.5
REPEAT_S = 1.0
STILL = 1e-5
KINDS = {
    ShapeKind.BOX: Marker.CUBE,
    ShapeKind.CYLINDER: Marker.CYLINDER,
    ShapeKind.SPHERE: Marker.SPHERE,
}


class RobotDisplay:
    """Shows the robot as measured, and the ghost while somebody previews a plan.

    Args:
        node: the operator's.
        profile: of the robot.
        live: also describe and show the robot itself; false where its driver does.
    """

    def __init__(self, node: Node, profile: RobotProfile, live: bool = True) -> None:
        self._show_robot = live
        self._clock = node.get_clock()
        self._joint_names = profile.joint_names
        texts = {'live': describe(profile), 'ghost': describe(profile, ghost=True)}
        self.tree = KinematicTree(texts['live'])
        self._ghost_tree = KinematicTree(texts['ghost'])
        self._descriptions = []
        described = [(names.PREVIEW_DESCRIPTION, texts['ghost'])]
        if live:
            described.append((names.ROBOT_DESCRIPTION, texts['live']))
        for topic, text in described:
            publisher = node.create_publisher(String, topic, names.LATCHED_QOS)
            publisher.publish(String(data=text))
            self._descriptions.append(publisher)
        self._tf = node.create_publisher(TFMessage, '/tf', 100) if TFMessage else None
        self._markers = node.create_publisher(MarkerArray, names.ROBOT_MARKERS, names.STATE_QOS)
        self._live_shapes = _shapes(self.tree, 'live')
        self._ghost_shapes = _shapes(self._ghost_tree, 'ghost')
        self._live = np.full(len(profile.joint_names), np.nan)
        self._live_shown = -np.inf
        self._ghost_shown: float | None = None
        self._sent: dict[str, tuple[np.ndarray, float]] = {}

    def show_live(self, positions: np.ndarray) -> None:
        """Show the robot at measured positions (D,); nothing for what is not measured."""
        now = time.monotonic()
        if len(positions) != len(self._live) or not np.isfinite(positions).all():
            return
        still = np.allclose(positions, self._live, atol=1e-4)
        if self._tf is None and still and now - self._live_shown < REPEAT_S:
            return
        self._live, self._live_shown = np.array(positions), now
        if self._show_robot:
            self._publish(self.tree, self._live_shapes, positions, '')
        if self._tf is not None and self._ghost_shown is None:
            self._publish(self._ghost_tree, self._ghost_shapes, positions, GHOST_PREFIX)

    def show_ghost(self, joint_names: list[str], positions: np.ndarray) -> None:
        """Show the ghost; positions (D,) in the order of ``joint_names``."""
        if tuple(joint_names) != self._joint_names:
            return
        self._ghost_shown = time.monotonic()
        self._publish(self._ghost_tree, self._ghost_shapes, positions, GHOST_PREFIX)

    def tick(self) -> None:
        """Take the ghost away when nobody moves it any more."""
        if self._ghost_shown is None or time.monotonic() - self._ghost_shown < GHOST_LINGERS_S:
            return
        self._ghost_shown = None
        self._sent.pop('ghost', None)
        if self._tf is None:
            gone = [
                Marker(ns='ghost', id=m.id, action=Marker.DELETE) for _, m, _ in self._ghost_shapes
            ]
            self._markers.publish(MarkerArray(markers=gone))

    def _publish(
        self, tree: KinematicTree, shapes: list, positions: np.ndarray, prefix: str
    ) -> None:
        named = dict(zip(self._joint_names, positions, strict=True))
        if self._tf is None:
            self._publish_markers(tree, shapes, named)
        else:
            stamp = self._clock.now().to_msg()
            self._tf.publish(TFMessage(transforms=transforms(tree, named, prefix, stamp)))

    def _publish_markers(self, tree: KinematicTree, shapes: list, named: dict) -> None:
        """Send what has moved; everything now and then, for who came later."""
        poses = tree.poses(named)
        placed = np.stack([poses[link] @ pose for link, _, pose in shapes])
        now, name = time.monotonic(), shapes[0][1].ns
        sent, complete_at = self._sent.get(name, (None, -np.inf))
        if sent is None or now - complete_at > REPEAT_S:
            moved, complete_at = range(len(shapes)), now
        else:
            moved = np.flatnonzero(np.abs(placed - sent).max(axis=(1, 2)) > STILL)
            still = np.setdiff1d(np.arange(len(shapes)), moved)
            placed[still] = sent[still]
        self._sent[name] = (placed, complete_at)
        turns = Rotation.from_matrix(placed[:, :3, :3]).as_quat()
        for index in moved:
            pose = shapes[index][1].pose
            _filled(pose.position, placed[index, :3, 3])
            _filled(pose.orientation, turns[index])
        self._markers.publish(MarkerArray(markers=[shapes[index][1] for index in moved]))


def transforms(
    tree: KinematicTree, positions: dict[str, float], prefix: str, stamp: Time
) -> list[TransformStamped]:
    """Return every joint of a tree as a transform; below a prefix, its root hangs on the robot's.

    Args:
        positions: by joint name, rad and m.
        prefix: of the names of all frames, '' or with the slash at its end.
    """
    local = np.stack([tree.transform(joint, positions) for joint in tree.joints])
    turns = Rotation.from_matrix(local[:, :3, :3]).as_quat()
    found = []
    for joint, pose, turn in zip(tree.joints, local, turns, strict=True):
        transform = _fixed(prefix + joint.parent, prefix + joint.child, stamp)
        transform.transform.translation = _filled(Vector3(), pose[:3, 3])
        transform.transform.rotation = _filled(Quaternion(), turn)
        found.append(transform)
    if prefix:
        found.append(_fixed(tree.root, prefix + tree.root, stamp))
    return found


def _shapes(tree: KinematicTree, namespace: str) -> list[tuple[str, Marker, np.ndarray]]:
    """List (link, marker, pose in the link) of every shape."""
    found = []
    for link, shapes in tree.shapes.items():
        for shape in shapes:
            marker = Marker(
                ns=namespace,
                id=len(found),
                type=KINDS[shape.kind],
                scale=_filled(Vector3(), shape.extent),
                color=ColorRGBA(**dict(zip('rgba', shape.colour, strict=True))),
            )
            marker.header.frame_id = tree.root
            found.append((link, marker, shape.pose))
    return found


def _fixed(parent: str, child: str, stamp: Time) -> TransformStamped:
    transform = TransformStamped(child_frame_id=child)
    transform.header.stamp, transform.header.frame_id = stamp, parent
    return transform


def _filled(message, values):
    """Set x, y, z (and w) of a message."""
    for name, value in zip('xyzw', values, strict=False):
        setattr(message, name, float(value))
    return message
