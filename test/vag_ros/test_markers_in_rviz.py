"""Everything that is drawn for RViz, held against RViz's own rules."""

from itertools import pairwise

import numpy as np
import pytest
from rviz_rules import array_complaints, interactive_complaints
from simulated_arms import PROFILE
from visualization_msgs.msg import Marker

from vag_core import resources
from vag_core.configuration import load
from vag_core.kinematics import KinematicTree
from vag_core.panel import Act, Situation
from vag_core.panel_menu import Options, Presets, menu
from vag_core.panel_text import Report, lines
from vag_core.robot_description import describe
from vag_ros import convert, interactive_markers
from vag_ros.marker_panel import BOARD, BUTTON, WIDTH, MarkerPanel
from vag_ros.marker_shapes import CAPITAL, text_width
from vag_ros.msg import ClampReport
from vag_ros.plan_display import PlanDisplay
from vag_ros.robot_display import RobotDisplay

SITUATION = Situation(
    phase='AWAITING_APPROVAL',
    armed=True,
    plan_id='p',
    plan_episode_id='e',
    episode_id='e',
    instruction='würfel ' * 40,
    reported=True,
    warnings=('the scene has changed since the image was taken: ' * 3,),
)
REPORT = Report(
    model='small (trained on simulated tasks, not evaluated)',
    clamped=', '.join(f'{name} 93 (at most 0.0104 rad)' for name in PROFILE.joint_names),
    message='first see to it that ' * 30,
    recording=None,
)


class Wire:
    """A node's end of the line: keeps what is published."""

    def __init__(self):
        self.sent = []

    def create_publisher(self, *_):
        return self

    def publish(self, message):
        self.sent.append(message)

    def get_clock(self):
        return None

    def get_fully_qualified_name(self):
        return '/operator'

    create_subscription = create_service = create_publisher


@pytest.fixture
def wire():
    return Wire()


def draw(wire, text):
    panel = MarkerPanel(wire, 'base_link', *[lambda *_: None] * 3)
    presets = load(Presets, resources.find('config/operator/presets.yaml'))
    entries = menu(presets, Options(instruction=presets.instructions[0], record=True))
    panel.draw(text, {act: 'plan' for act in Act}, entries)
    return wire.sent[-1]


@pytest.fixture(params=['little to say', 'much to say'])
def panel(request, wire):
    """The panel's markers by name, as RViz gets them."""
    report = REPORT if request.param == 'much to say' else Report()
    return {marker.name: marker for marker in draw(wire, lines(SITUATION, '', report)).markers}


def test_the_panel_keeps_the_rules(panel):
    assert {name: interactive_complaints(marker) for name, marker in panel.items()} == {
        name: [] for name in panel
    }
    assert len(panel) == len(Act) + 1


def test_an_update_names_its_server_and_its_kind(wire):
    update = draw(wire, ('one line',))
    assert update.server_id
    assert update.type == interactive_markers.InteractiveMarkerUpdate.UPDATE


def rows(marker):
    """(middle, height of capitals, width) of every line of text, from the lowest to the top."""
    labels = [m for m in marker.controls[0].markers if m.type == Marker.TEXT_VIEW_FACING]
    found = [
        (m.pose.position.z, CAPITAL * m.scale.z, text_width(m.text) * m.scale.z) for m in labels
    ]
    return sorted(found)


def test_no_line_covers_another_or_leaves_its_plate(panel):
    for name, marker in panel.items():
        plate = marker.controls[0].markers[0]
        found = rows(marker)
        for (low, below, _), (high, above, _) in pairwise(found):
            assert high - low > (below + above) / 2, name
        for middle, capital, wide in found:
            assert wide < plate.scale.y, name
            edge = plate.scale.z / 2 - capital / 2
            assert abs(middle - plate.pose.position.z) < edge, name


def test_neither_buttons_nor_board_cover_one_another(panel):
    board = panel[BOARD]
    plate = board.controls[0].markers[0]
    bottom = board.pose.position.z + plate.pose.position.z - plate.scale.z / 2
    places = [
        (marker.pose.position.y, marker.pose.position.z)
        for name, marker in panel.items()
        if name != BOARD
    ]
    assert max(z for _, z in places) + BUTTON[2] / 2 < bottom
    assert max(abs(y) for y, _ in places) + BUTTON[1] / 2 < WIDTH / 2
    for index, (y, z) in enumerate(places):
        for other_y, other_z in places[:index]:
            assert abs(y - other_y) > BUTTON[1] or abs(z - other_z) > BUTTON[2]


def test_the_marks_of_the_menu_are_those_that_rviz_turns_into_boxes(panel):
    choices = [entry.title for entry in panel[BOARD].menu_entries if entry.parent_id]
    assert all(title[:4] in ('[x] ', '[ ] ') for title in choices)


def a_plan():
    """A motion of both arms, asked to turn a wrist too far, that comes near to the table."""
    count = 40
    swing = (1 - np.cos(np.linspace(0, 2 * np.pi, count))) / 2
    requested = PROFILE.home_position + np.outer(swing, np.full(14, 0.2))
    requested[:, 5] += swing * (PROFILE.upper[5] + 0.1 - PROFILE.home_position[5])
    planned = requested.clip(PROFILE.lower, PROFILE.upper)
    trajectories = [
        convert.to_trajectory(PROFILE.joint_names, positions, 10.0)
        for positions in (planned, requested)
    ]
    report = ClampReport(
        clearance_checked=True,
        min_distance=0.02,
        min_distance_time=2.0,
        min_distance_bodies='left_gripper_base / right_gripper_base',
    )
    return *trajectories, report


def test_a_plan_s_markers_keep_the_rules(wire):
    tree = KinematicTree(describe(PROFILE))
    display = PlanDisplay(wire, PROFILE, tree)
    display.show(*a_plan())
    array = wire.sent[-1]
    assert array_complaints(array) == []
    assert {'left_path', 'right_path', 'clamped', 'clearance'} <= {m.ns for m in array.markers}
    assert {m.header.frame_id for m in array.markers} == {tree.root}


def test_the_markers_of_robot_and_ghost_keep_the_rules(wire, monkeypatch):
    monkeypatch.setattr('vag_ros.robot_display.TFMessage', None)
    display = RobotDisplay(wire, PROFILE)
    wire.sent.clear()
    display.show_live(PROFILE.home_position)
    display.show_ghost(list(PROFILE.joint_names), PROFILE.home_position + 0.1)
    assert [array_complaints(array) for array in wire.sent] == [[], []]
    assert [{m.ns for m in array.markers} for array in wire.sent] == [{'live'}, {'ghost'}]


def test_a_ghost_can_be_told_from_the_robot_without_its_colour(wire, monkeypatch):
    monkeypatch.setattr('vag_ros.robot_display.TFMessage', None)
    display = RobotDisplay(wire, PROFILE)
    wire.sent.clear()
    display.show_live(PROFILE.home_position)
    display.show_ghost(list(PROFILE.joint_names), PROFILE.home_position)
    live, ghost = wire.sent
    assert all(marker.color.a == 1 for marker in live.markers)
    assert all(marker.color.a < 0.7 for marker in ghost.markers)
