"""The plan on show as markers: tool paths coloured by speed, clamped points, the least room."""

import numpy as np
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import Marker, MarkerArray

from vag_core.kinematics import KinematicTree
from vag_core.robot import RobotProfile
from vag_core.tool_paths import clamped_points, colours, thinned, tool_paths
from vag_ros import names
from vag_ros.convert import from_trajectory
from vag_ros.marker_shapes import WHITE, label, point, shape
from vag_ros.msg import ClampReport

MOST_POINTS = 400
NEAR_M = 0.05
CAPITAL = 0.028
AMBER, MAGENTA = (1.0, 0.65, 0.0, 1.0), (0.9, 0.2, 0.8, 1.0)


class PlanDisplay:
    """Publishes the markers of one plan at a time; a late RViz gets the present ones."""

    def __init__(self, node: Node, profile: RobotProfile, tree: KinematicTree) -> None:
        self._profile = profile
        self._tree = tree
        self._publisher = node.create_publisher(
            MarkerArray, names.PREVIEW_MARKERS, names.LATCHED_QOS
        )
        self._shown = False
        self.clear()

    def clear(self) -> None:
        """Show no plan."""
        self._publisher.publish(MarkerArray(markers=[Marker(action=Marker.DELETEALL)]))
        self._shown = False

    @property
    def shown(self) -> bool:
        """Whether a plan is shown."""
        return self._shown

    def show(
        self, planned: JointTrajectory, requested: JointTrajectory | None, report: ClampReport
    ) -> None:
        """Show a plan.

        Args:
            planned: one point per tick.
            requested: of the episode that was planned, None when it is not known.
            report: of the same plan.
        """
        positions, times_ns = from_trajectory(planned)
        times = times_ns * 1e-9
        markers = [Marker(action=Marker.DELETEALL)]
        markers += self._paths(positions, times)
        if requested is not None:
            markers += self._clamped(from_trajectory(requested)[0])
        if report.clearance_checked and report.min_distance < NEAR_M:
            markers += self._nearest(positions, times, report)
        for number, marker in enumerate(markers):
            marker.header.frame_id, marker.id = self._tree.root, number
        self._publisher.publish(MarkerArray(markers=markers))
        self._shown = True

    def _paths(self, positions: np.ndarray, times: np.ndarray) -> list[Marker]:
        kept = thinned(len(positions), MOST_POINTS)
        paths = tool_paths(self._tree, self._profile, positions[kept], times[kept])
        highest = max(path.speed.max() for path in paths.values())
        markers = []
        for arm, path in paths.items():
            line = shape(Marker.LINE_STRIP, (0.006, 0.0, 0.0), WHITE, f'{arm}_path')
            line.points = [point(p) for p in path.points]
            line.colors = [
                ColorRGBA(r=r, g=g, b=b, a=1.0)
                for r, g, b in colours(path.speed, highest).tolist()
            ]
            markers.append(line)
            fastest = int(np.argmax(path.speed))
            if path.speed[fastest] > 0.01:
                text = f'{arm}: at most {path.speed[fastest]:.2f} m/s'
                markers.append(_above(path.points[fastest], 0.05, text, f'{arm}_path'))
        return markers

    def _clamped(self, requested: np.ndarray) -> list[Marker]:
        places = clamped_points(self._tree, self._profile, requested)
        markers = []
        for arm, points in places.items():
            if not len(points):
                continue
            dots = shape(Marker.SPHERE_LIST, (0.018, 0.018, 0.018), MAGENTA, 'clamped')
            dots.points = [point(p) for p in points]
            text = f'{arm}: {len(points)} points clamped'
            markers += [dots, _above(points[-1], 0.09, text, 'clamped')]
        return markers

    def _nearest(
        self, positions: np.ndarray, times: np.ndarray, report: ClampReport
    ) -> list[Marker]:
        tick = int(np.argmin(np.abs(times - report.min_distance_time)))
        poses = self._tree.poses(
            dict(zip(self._profile.joint_names, positions[tick], strict=True))
        )
        bodies = [name for name in report.min_distance_bodies.split(' / ') if name in poses]
        places = [poses[name][:3, 3] for name in bodies if name not in ('table', 'body')]
        if not places:
            return []
        markers = []
        for place in places:
            ring = shape(Marker.SPHERE, (0.09, 0.09, 0.09), (*AMBER[:3], 0.45), 'clearance')
            ring.pose.position = point(place)
            markers.append(ring)
        text = (
            f'! {1e3 * report.min_distance:.0f} mm: {report.min_distance_bodies} '
            f'at {report.min_distance_time:.1f} s'
        )
        return [*markers, _above(places[0], 0.22, text, 'clearance', AMBER)]


def _above(
    place: np.ndarray, height: float, text: str, namespace: str, colour: tuple = WHITE
) -> Marker:
    """Write a line this far, m, above a place."""
    return label(text, CAPITAL, place + np.array([0.0, 0.0, height]), colour, namespace=namespace)
