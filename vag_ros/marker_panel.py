"""The operator's panel as interactive markers: buttons, a menu, and lines of text in the scene."""

from collections.abc import Callable, Mapping, Sequence

from geometry_msgs.msg import Point, Pose
from rclpy.node import Node
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
from vag_ros.marker_shapes import label, shape

BOARD = 'board'
SEPARATOR = ':'
# The panel stands upright beyond the table and faces the robot; y runs to its left.
DISTANCE, TOP, LINE, WIDTH, MARGIN = 1.15, 1.52, 0.055, 2.3, 0.05
# With more lines than fit, they stand closer: the first one must stay in view.
TALLEST = 0.6
# Shares of the distance between two lines that their capitals take: the first one stands out.
FIRST, OTHERS = 0.75, 0.68
PITCH_Y, PITCH_Z, BUTTON = 0.46, 0.17, (0.03, 0.43, 0.14)
CAPITAL = 0.042
# Before the plate, and so much higher that it seems in the middle of a button from above.
IN_FRONT, SEEN_FROM_ABOVE = -0.02, 0.02
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
    Act.GENERATE: ('GENERATE',),
    Act.PLAN: ('PLAN', '+ PREVIEW'),
    Act.APPROVE: ('APPROVE',),
    Act.REPLAY: ('REPLAY:', 'ARMS MOVE'),
    Act.STOP: ('STOP',),
    Act.RESET: ('RESET',),
    Act.ARM: ('ARM',),
    Act.DISARM: ('DISARM',),
    Act.DISCARD: ('DISCARD',),
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
        pitch = min(LINE, TALLEST / (len(text) + 2))
        height = pitch * (len(text) + 2)
        plate = shape(Marker.CUBE, (0.02, WIDTH, height), (0.08, 0.09, 0.11, 0.9))
        plate.pose.position.z = height / 2 - 1.5 * pitch
        lines = []
        for number, line in enumerate(reversed(text)):
            share = FIRST if number == len(text) - 1 else OTHERS
            place = (IN_FRONT, 0.0, number * pitch)
            widest = WIDTH - 2 * MARGIN
            lines.append(label(line, share * pitch, place, widest=widest, number=number + 1))
        hint = label(
            'click here for the menu',
            0.5 * pitch,
            (IN_FRONT, 0.0, -0.95 * pitch),
            number=len(text) + 1,
        )
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
        face = shape(Marker.CUBE, BUTTON, COLOURS.get(act, GREY))
        rows = TITLES[act]
        middle = (len(rows) - 1) / 2
        labels = [
            label(
                row,
                CAPITAL,
                (2 * IN_FRONT, 0.0, SEEN_FROM_ABOVE + 1.4 * CAPITAL * (middle - number)),
                widest=BUTTON[1] - MARGIN,
                number=number + 1,
            )
            for number, row in enumerate(rows)
        ]
        control = InteractiveMarkerControl(
            name=f'{act.value}{SEPARATOR}{subject}',
            interaction_mode=InteractiveMarkerControl.BUTTON,
            always_visible=True,
            markers=[face, *labels],
        )
        button = self._at(act.value, (2 - column) * PITCH_Y, TOP - 0.19 - PITCH_Z * row)
        button.controls = [control]
        return button

    def _at(self, name: str, y: float, z: float) -> InteractiveMarker:
        marker = InteractiveMarker(
            name=name, pose=Pose(position=Point(x=DISTANCE, y=y, z=z)), scale=0.3
        )
        marker.header.frame_id = self._frame
        return marker
