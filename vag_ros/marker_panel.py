"""The operator's panel as interactive markers: buttons, a menu, and lines of text in the scene."""

from collections.abc import Callable, Mapping, Sequence

from geometry_msgs.msg import Point, Pose, Vector3
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import (
    InteractiveMarker,
    InteractiveMarkerControl,
    InteractiveMarkerFeedback,
    Marker,
    MenuEntry,
)

from vag_core.panel import Act
from vag_core.panel_menu import Entry
from vag_ros import names
from vag_ros.interactive_markers import InteractiveMarkerServer

BOARD = 'board'
SEPARATOR = ':'
# The panel stands upright beyond the table and faces the robot; y runs to its left.
DISTANCE, TOP, LINE, WIDTH = 1.15, 1.52, 0.055, 2.3
# With more lines than fit, they stand closer: the first one must stay in view.
TALLEST = 0.5
PITCH_Y, BUTTON = 0.37, (0.03, 0.33, 0.11)
PLACES = {
    Act.GENERATE: (0, 0),
    Act.PLAN: (0, 1),
    Act.APPROVE: (0, 2),
    Act.REPLAY: (0, 4),
    Act.STOP: (1, 0),
    Act.RESET: (1, 1),
    Act.ARM: (1, 2),
    Act.DISARM: (1, 3),
    Act.DISCARD: (1, 4),
}
TITLES = {
    Act.GENERATE: 'GENERATE',
    Act.PLAN: 'PLAN + PREVIEW',
    Act.APPROVE: 'APPROVE',
    Act.REPLAY: 'REPLAY: ARMS MOVE',
    Act.STOP: 'STOP',
    Act.RESET: 'RESET',
    Act.ARM: 'ARM',
    Act.DISARM: 'DISARM',
    Act.DISCARD: 'DISCARD',
}
GREY, RED, AMBER, BLUE = (
    (0.32, 0.34, 0.38, 1.0),
    (0.75, 0.10, 0.10, 1.0),
    (0.85, 0.55, 0.05, 1.0),
    (0.10, 0.35, 0.65, 1.0),
)
COLOURS = {Act.STOP: RED, Act.REPLAY: AMBER, Act.APPROVE: BLUE, Act.GENERATE: BLUE}


class MarkerPanel:
    """Draws the panel and turns what comes back into clicks.

    Args:
        node: the operator's.
        frame: that the panel stands in.
        on_click: called with the act and what its button was about when it was drawn.
        on_choice: called with the number of a chosen menu entry.
        on_nonsense: called with a line about feedback that is neither.
    """

    def __init__(
        self,
        node: Node,
        frame: str,
        on_click: Callable[[Act, str], None],
        on_choice: Callable[[int], None],
        on_nonsense: Callable[[str], None],
    ) -> None:
        self._frame = frame
        self._on_click = on_click
        self._on_choice = on_choice
        self._on_nonsense = on_nonsense
        self._server = InteractiveMarkerServer(node, names.OPERATOR, self._on_feedback)

    def draw(self, text: Sequence[str], acts: Mapping[Act, str], menu: Sequence[Entry]) -> None:
        """Show these lines, buttons (each with what it is about) and menu entries."""
        markers = {BOARD: self._board(text, menu)}
        for act, subject in acts.items():
            markers[act.value] = self._button(act, subject)
        self._server.show(markers)

    def _on_feedback(self, feedback: InteractiveMarkerFeedback) -> None:
        kind, name = feedback.event_type, feedback.marker_name
        if kind == InteractiveMarkerFeedback.MENU_SELECT and name == BOARD:
            self._on_choice(feedback.menu_entry_id)
        elif kind == InteractiveMarkerFeedback.BUTTON_CLICK and name != BOARD:
            act, _, subject = feedback.control_name.partition(SEPARATOR)
            if act in {known.value for known in Act} and act == name:
                self._on_click(Act(act), subject)
            else:
                self._on_nonsense(f'there is no button {feedback.control_name!r}')

    def _board(self, text: Sequence[str], menu: Sequence[Entry]) -> InteractiveMarker:
        pitch = min(LINE, TALLEST / (len(text) + 1.5))
        height = pitch * (len(text) + 1.5)
        plate = _marker(Marker.CUBE, (0.02, WIDTH, height), (0.08, 0.09, 0.11, 0.9), 0)
        plate.pose.position.z = height / 2 - pitch
        lines = []
        for number, line in enumerate(reversed(text)):
            label = _label(line, pitch * (1.0 if number == len(text) - 1 else 0.8), number + 1)
            label.pose.position.z = number * pitch
            lines.append(label)
        hint = _label('right-click here for the menu', 0.5 * LINE, len(text) + 1)
        hint.pose.position.z = -0.75 * pitch
        control = InteractiveMarkerControl(
            name='menu',
            interaction_mode=InteractiveMarkerControl.MENU,
            always_visible=True,
            markers=[plate, *lines, hint],
        )
        board = self._at(BOARD, 0.0, TOP)
        board.controls = [control]
        board.menu_entries = [
            MenuEntry(
                id=entry.number,
                parent_id=entry.parent,
                title=entry.title,
                command_type=MenuEntry.FEEDBACK,
            )
            for entry in menu
        ]
        return board

    def _button(self, act: Act, subject: str) -> InteractiveMarker:
        row, column = PLACES[act]
        face = _marker(Marker.CUBE, BUTTON, COLOURS.get(act, GREY), 0)
        label = _label(TITLES[act], 0.042 if len(TITLES[act]) < 12 else 0.033, 1)
        label.pose.position.x = -0.04
        control = InteractiveMarkerControl(
            name=f'{act.value}{SEPARATOR}{subject}',
            interaction_mode=InteractiveMarkerControl.BUTTON,
            always_visible=True,
            markers=[face, label],
        )
        button = self._at(act.value, (2 - column) * PITCH_Y, TOP - 0.19 - 0.15 * row)
        button.controls = [control]
        return button

    def _at(self, name: str, y: float, z: float) -> InteractiveMarker:
        marker = InteractiveMarker(
            name=name, pose=Pose(position=Point(x=DISTANCE, y=y, z=z)), scale=0.3
        )
        marker.header.frame_id = self._frame
        return marker


def _marker(kind: int, size: Sequence[float], colour: Sequence[float], number: int) -> Marker:
    x, y, z = size
    r, g, b, a = colour
    return Marker(
        type=kind, id=number, scale=Vector3(x=x, y=y, z=z), color=ColorRGBA(r=r, g=g, b=b, a=a)
    )


def _label(text: str, size: float, number: int) -> Marker:
    label = _marker(Marker.TEXT_VIEW_FACING, (0.0, 0.0, size), (1.0, 1.0, 1.0, 1.0), number)
    label.text = text
    label.pose.position.x = -0.02
    return label
