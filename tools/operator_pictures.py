#!/usr/bin/env python3
"""Make the pictures of docs/operator.md from a running stack: a whole session of an operator.

Starts the stack with the simulated robot, drives it through the page in a headless Chromium by
keyboard alone, and takes pictures of the page and of what RViz would draw of the operator's
markers. Run it inside env.sh; it needs Debian's chromium and chromium-driver.
"""

import argparse
import copy
import socket
import tempfile
import time
from pathlib import Path

import browser
import cv2
import numpy as np
import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSCompatibility, qos_check_compatible
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from visualization_msgs.msg import Marker, MarkerArray
from visualization_msgs.srv import GetInteractiveMarkers

from vag_core.robot import load_profile
from vag_ros import marker_shapes, names, rviz_config, stack
from vag_ros.msg import Episode, ReplayState
from vag_ros.supervisor import Supervisor
from vag_sim.shape_picture import Kind, Shape, View, draw

ROOT = Path(__file__).resolve().parents[1]

START_S = 180.0
INSTRUCTION = 'pick up the red cube with the left arm'
GHOST_AWAY = 1.2  # rad, in some joint
NEAR_LEAD = 1.0
KINDS = {Marker.CUBE: Kind.BOX, Marker.CYLINDER: Kind.CYLINDER, Marker.SPHERE: Kind.SPHERE}


class Scene:
    """What has come on the topics that RViz shows."""

    def __init__(self, node):
        self._single = {}
        self.episode = None
        self.lead, self.measured = 0.0, None
        node.create_subscription(
            JointState, names.PREVIEW_JOINT_STATES, self._on_ghost, names.STATE_QOS
        )
        node.create_subscription(ReplayState, names.REPLAY_STATE, self._on_state, names.STATE_QOS)
        node.create_subscription(Episode, names.EPISODE, self._on_episode, names.LATCHED_QOS)
        for topic, qos in (
            (names.ROBOT_MARKERS, names.STATE_QOS),
            (names.PREVIEW_MARKERS, names.LATCHED_QOS),
        ):
            node.create_subscription(
                MarkerArray, topic, lambda m, t=topic: self._on_markers(t, m), qos
            )
        self._panel_service = node.create_client(
            GetInteractiveMarkers, f'{names.OPERATOR}/get_interactive_markers'
        )

    def _on_markers(self, topic, message):
        for marker in message.markers:
            key = (topic, marker.ns, marker.id)
            if marker.action == Marker.DELETEALL:
                self._single = {k: v for k, v in self._single.items() if k[0] != topic}
            elif marker.action == Marker.DELETE:
                self._single.pop(key, None)
            else:
                self._single[key] = (np.eye(4), marker)

    def _on_episode(self, episode):
        self.episode = episode

    def _on_state(self, state):
        self.measured = np.array(state.actual.positions)

    def _on_ghost(self, ghost):
        if self.measured is not None:
            self.lead = np.abs(np.array(ghost.position) - self.measured).max()

    def ask_for_panel(self):
        """Ask for the panel as it is now and return the future of the answer."""
        return self._panel_service.call_async(GetInteractiveMarkers.Request())

    def shapes(self, panel):
        """List everything that is shown now, translucent shapes last."""
        found = list(self._single.values())
        for marker in panel:
            frame = _pose(marker.pose)
            found += [(frame, part) for control in marker.controls for part in control.markers]
        found.sort(key=lambda item: -item[1].color.a)
        return [shape for frame, marker in found for shape in _shapes(frame, marker)]


def _pose(pose):
    p, q = pose.position, pose.orientation
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    matrix[:3, 3] = p.x, p.y, p.z
    return matrix


def _shapes(frame, marker):
    pose = frame @ _pose(marker.pose)
    colour = (marker.color.r, marker.color.g, marker.color.b, marker.color.a)
    size = (marker.scale.x, marker.scale.y, marker.scale.z)
    if marker.type in KINDS:
        return [Shape(KINDS[marker.type], size, pose, colour)]
    if marker.type == Marker.TEXT_VIEW_FACING:
        height = marker.scale.z
        pose[2, 3] += marker_shapes.RISE * height
        wide = marker_shapes.text_width(marker.text)
        written = (height * wide, 0.0, height * marker_shapes.CAPITAL)
        return [Shape(Kind.LABEL, written, pose, colour, text=marker.text)]
    points = [np.array([p.x, p.y, p.z]) for p in marker.points]
    if marker.type == Marker.SPHERE_LIST:
        return [Shape(Kind.SPHERE, size, _at(point), colour) for point in points]
    colours = [(c.r, c.g, c.b, c.a) for c in marker.colors] or [colour] * len(points)
    return [
        Shape(Kind.LINE, (size[0],) * 3, _at(a), c, end=b)
        for a, b, c in zip(points[:-1], points[1:], colours, strict=False)
        if np.linalg.norm(b - a) > 1e-5
    ]


def _at(point):
    pose = np.eye(4)
    pose[:3, 3] = point
    return pose


def _view():
    found = yaml.safe_load(rviz_config.path().read_text())['Visualization Manager']['Views']
    orbit = found['Current']
    focus = tuple(float(orbit['Focal Point'][axis]) for axis in 'XYZ')
    return View(focus, orbit['Distance'], orbit['Yaw'], orbit['Pitch'])


class Photographer:
    """Takes the pictures."""

    def __init__(self, window, scene, node, executor, folder):
        self._window, self._scene, self._node = window, scene, node
        self._executor, self._folder = executor, folder

    def check_topics(self):
        """Print who publishes what RViz would subscribe to; SystemExit where nobody does."""
        for wanted in rviz_config.subscriptions():
            fitting = [
                p.node_name
                for p in self._node.get_publishers_info_by_topic(wanted.topic)
                if p.topic_type == wanted.type_name
                and qos_check_compatible(p.qos_profile, wanted.qos)[0] != QoSCompatibility.ERROR
            ]
            if not fitting:
                raise SystemExit(f'{wanted.topic} ({wanted.type_name}): no fitting publisher')
            print(f'{wanted.topic} ({wanted.type_name}): {", ".join(fitting)}')

    def show_episode(self, episode):
        """Put an episode on display."""
        publisher = self._node.create_publisher(Episode, names.EPISODE, names.LATCHED_QOS)
        publisher.publish(episode)
        self.wait(f'episode: {episode.episode_id}')

    def wait(self, text, css='body', timeout_s=150.0):
        """Wait until the page holds this text."""
        deadline = time.monotonic() + timeout_s
        while text not in self._window.text(css):
            if time.monotonic() > deadline:
                raise SystemExit(f'{text!r} did not come; the page says\n{self._window.text(css)}')
            self.spin(0.1)

    def spin(self, seconds):
        """Receive for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=max(end - time.monotonic(), 0.0))

    def wait_for_picture(self, view):
        """Wait until a view of the page has a picture."""
        deadline = time.monotonic() + 60.0
        while not self._window.run(f"return document.getElementById('{view}').naturalWidth"):
            if time.monotonic() > deadline:
                raise SystemExit(f'no picture of {view} came')
            self.spin(0.05)

    def _wait_for_ghost_away(self, lead):
        """Wait until the ghost is this far, rad, from where the arms are in some joint."""
        deadline = time.monotonic() + 30.0
        while self._scene.lead < lead and time.monotonic() < deadline:
            self.spin(0.05)

    def page(self, name):
        """Take a picture of the page."""
        image = cv2.imdecode(np.frombuffer(self._window.picture(), np.uint8), cv2.IMREAD_COLOR)
        self._save(name, image)

    def scene(self, name, lead=0.0):
        """Draw what RViz would, once the ghost is ``lead`` rad away from the arms."""
        panel = self._scene.ask_for_panel()
        self._executor.spin_until_future_complete(panel, 10.0)
        self._wait_for_ghost_away(lead)
        image = draw(self._scene.shapes(panel.result().markers), _view())
        self._save(name, image[:, :, ::-1])

    def _save(self, name, bgr):
        cv2.imwrite(str(self._folder / f'{name}.jpg'), bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])


def run_session(show, window):
    """Generate, look, approve, replay and stop, by keyboard; a picture of each step."""
    show.spin(1.0)
    show.page('1_ready')
    window.press('g')
    show.wait('denoising')
    show.wait_for_picture('generated')
    show.spin(0.5)
    show.page('2_generating')
    show.wait('PLAN ON SHOW')
    show.spin(4.0)
    show.check_topics()
    show.page('3_plan_on_show')
    show.scene('4_ghost', lead=GHOST_AWAY)
    window.press('a')
    show.wait('APPROVED')
    show.spin(1.0)
    show.page('5_approved')
    window.press('r')
    show.wait('EXECUTING')
    show.spin(3.0)
    show.page('6_replay')
    show.scene('7_replay_scene')
    window.press('s')
    show.wait('LATCHED: vag/stop')
    show.spin(0.5)
    show.page('8_stopped')


def show_warnings(show, window, scene):
    """Plan a motion that is clamped and brings the arms close; a picture of what warns of it."""
    window.press('e')
    show.wait('IDLE')
    window.press('m')
    show.wait('IDLE | armed')
    show.show_episode(near_and_clamped(scene.episode, scene.measured))
    window.press('p')
    show.wait('PLAN ON SHOW')
    show.wait('clearance: 36 mm')
    show.spin(1.0)
    show.scene('9_warnings', lead=NEAR_LEAD)


def near_and_clamped(episode, start):
    """Return a generated episode with other actions: hands together, a wrist beyond its limit."""
    profile = load_profile('sim')
    target = profile.home_position.copy()
    target[0:6] = [-0.75, 1.4, -1.0, 0.0, 0.7, profile.upper[5] + 0.03]
    target[7:13] = [0.75, 1.4, -1.0, 0.0, 0.7, 0.0]
    changed = copy.deepcopy(episode)
    changed.episode_id, changed.instruction = 'hands_together', 'bring the hands together'
    count = len(changed.trajectory.points)
    for k, point in enumerate(changed.trajectory.points):
        share = (1 - np.cos(2 * np.pi * k / (count - 1))) / 2
        positions = start + share * (target - start)
        point.positions = positions.tolist()
    return changed


def start(show, window, url, port):
    """Open the page as soon as it is served, and wait until one may generate."""
    deadline = time.monotonic() + START_S
    is_open = False
    while not (
        is_open and window.run("return document.querySelectorAll('#generate:enabled').length")
    ):
        if time.monotonic() > deadline:
            raise SystemExit('the stack did not come up')
        show.spin(1.0)
        if not is_open:
            with socket.socket() as probe:
                is_open = probe.connect_ex(('127.0.0.1', port)) == 0
            if is_open:
                window.open(url)


def main():
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'operator')
    parser.add_argument('--seed', type=int, default=3, help='of the scene and of the sampler')
    arguments = parser.parse_args()
    if browser.missing():
        raise SystemExit(browser.missing())
    arguments.out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix='operator_pictures_'))
    mine, port = scratch / 'params.yaml', browser.free_port()
    parameters = {
        'web_port': port,
        'web_token': 'pictures',
        'seed': arguments.seed,
        'default_instruction': INSTRUCTION,
    }
    # The arms must keep up beside a browser and a model on a few cores.
    light = {'wrist_cameras': False, 'camera_rate_hz': 10.0}
    files = {'operator': parameters, 'sim_robot': light}
    mine.write_text(
        yaml.safe_dump({f'/**/{name}': {'ros__parameters': own} for name, own in files.items()})
    )
    options = stack.StackOptions(
        approval='operator',
        params_file=mine,
        seed=arguments.seed,
        output_dir=scratch / 'episodes',
        bag_dir=scratch / 'bags',
    )
    rclpy.init()
    node = rclpy.create_node('operator_pictures')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    scene = Scene(node)
    url = f'http://127.0.0.1:{port}/?token=pictures'
    with Supervisor(stack.describe(options), scratch / 'logs'), browser.browser() as window:
        show = Photographer(window, scene, node, executor, arguments.out)
        start(show, window, url, port)
        run_session(show, window)
        show_warnings(show, window, scene)
    rclpy.try_shutdown()
    print(f'pictures in {arguments.out}; episode, bag and logs in {scratch}')


if __name__ == '__main__':
    main()
