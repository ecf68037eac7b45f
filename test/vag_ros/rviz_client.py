"""RViz's side of the interactive-marker protocol, written from its description alone."""

import time

import pytest
from visualization_msgs.msg import InteractiveMarkerFeedback, InteractiveMarkerUpdate
from visualization_msgs.srv import GetInteractiveMarkers

from vag_ros.marker_panel import BOARD

CLICK = InteractiveMarkerFeedback.BUTTON_CLICK
SELECT = InteractiveMarkerFeedback.MENU_SELECT
FRAME_S = 0.1
REPEAT_S = 1.0
MARK, NO_MARK = '[x] ', '[ ] '


class RvizClient:
    """Knows the markers as RViz would: asks for all, then takes each change in its turn.

    When the server goes, what it showed goes too; when one is there again, it is asked anew. An
    answer that does not come is asked for again.
    """

    def __init__(self, client, name='rviz', namespace='vag/operator'):
        self._client = client
        self._name = name
        self.markers = {}
        self.sequence = None
        self.initialised = 0
        self._early = []
        self._asking = None
        self._lost = False
        self._feedback = client.node.create_publisher(
            InteractiveMarkerFeedback, f'{namespace}/feedback', 1
        )
        self._updates = client.node.create_subscription(
            InteractiveMarkerUpdate, f'{namespace}/update', self._on_update, 100
        )
        self._service = client.node.create_client(
            GetInteractiveMarkers, f'{namespace}/get_interactive_markers'
        )
        client.wait(self._service.service_is_ready, what='the marker server')
        client.wait(self._feedback.get_subscription_count, what='the marker server')
        client.call(self._initialise)
        self._frames = client.node.create_timer(FRAME_S, self._look_after_the_server)
        client.wait(lambda: self.sequence is not None, what='the markers')

    def close(self):
        """Leave: no timer runs on, nothing is subscribed to."""
        node = self._client.node
        self._client.call(node.destroy_timer, self._frames)
        self._client.call(node.destroy_subscription, self._updates)
        self._client.call(node.destroy_publisher, self._feedback)
        self._client.call(node.destroy_client, self._service)

    def _look_after_the_server(self):
        there = self._service.service_is_ready() and self._feedback.get_subscription_count()
        if not there:
            self._lost = True
            self.sequence, self.markers, self._asking = None, {}, None
        elif self._lost or self._is_overdue():
            self._lost = False
            self._initialise()

    def _is_overdue(self):
        return self._asking is not None and time.monotonic() - self._asked > REPEAT_S

    def _initialise(self):
        self.sequence, self.markers = None, {}
        self._asked = time.monotonic()
        self._asking = self._service.call_async(GetInteractiveMarkers.Request())
        self._asking.add_done_callback(self._on_all)

    def _on_all(self, future):
        if future is not self._asking:
            return
        self._asking = None
        answer = future.result()
        self.markers = {marker.name: marker for marker in answer.markers}
        self.sequence = answer.sequence_number
        self.initialised += 1
        early, self._early = self._early, []
        for update in early:
            if update.seq_num > self.sequence:
                self._on_update(update)

    def _on_update(self, update):
        if self.sequence is None:
            self._early.append(update)
        elif update.seq_num != self.sequence + 1:
            self._initialise()
        else:
            self.sequence = update.seq_num
            self.markers |= {marker.name: marker for marker in update.markers}
            for name in update.erases:
                del self.markers[name]

    @property
    def text(self):
        """The lines on the board, the first one first."""
        board = self.markers.get(BOARD)
        labels = board.controls[0].markers[1:-1] if board else []
        return [label.text for label in reversed(labels)]

    @property
    def buttons(self):
        return {name for name in tuple(self.markers) if name != BOARD}

    @property
    def marked(self):
        """Titles of the menu entries that are marked as chosen."""
        board = self.markers.get(BOARD)
        titles = [entry.title for entry in board.menu_entries] if board else []
        return {title.removeprefix(MARK) for title in titles if title.startswith(MARK)}

    def button(self, name):
        """What RViz would send when this button is clicked as it is drawn now."""
        marker = self._client.wait(lambda: self.markers.get(name), what=f'the button {name}')
        return self._click(name, marker.controls[0].name)

    def _click(self, name, control):
        return InteractiveMarkerFeedback(
            client_id=self._name, marker_name=name, control_name=control, event_type=CLICK
        )

    def send_click(self, name, control):
        """Click a button that is not drawn, as a program might."""
        self.send(self._click(name, control))

    def click(self, name):
        """Click a button once it is drawn."""
        self.send(self.button(name))

    def choose(self, title):
        """Choose the menu entry with this text, whatever its mark."""
        (entry,) = [
            entry
            for entry in self.markers[BOARD].menu_entries
            if entry.title.removeprefix(MARK).removeprefix(NO_MARK) == title
        ]
        self.send(
            InteractiveMarkerFeedback(
                client_id=self._name,
                marker_name=BOARD,
                control_name='menu',
                event_type=SELECT,
                menu_entry_id=entry.id,
            )
        )

    def send(self, feedback):
        self._feedback.publish(feedback)

    def wait_for_text(self, text):
        """Wait until a line on the board holds this text, and return it."""
        try:
            return self._client.wait(
                lambda: next((line for line in self.text if text in line), None), what=text
            )
        except pytest.fail.Exception:
            print(self.text)
            raise
