"""The operator's page for a browser: state, video and the same buttons as in RViz.

Off unless a port is given; bound to localhost unless told otherwise; every request but that for
the page itself needs the token. Not encrypted: across a network, put a tunnel around it.
"""

import contextlib
import dataclasses
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from vag_core.images import encode_jpeg
from vag_core.panel import Act
from vag_core.robot import ImageTransport, RobotProfile
from vag_ros import names
from vag_ros.convert import raw_to_rgb

PAGE = Path(__file__).parent / 'web' / 'page.html'
VIEWS = ('live', 'generated', 'comparison')
PATIENCE_S = 2.0
LONGEST_REQUEST = 4096
HEADERS = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': (
        "default-src 'self' 'unsafe-inline'; img-src 'self' blob:; frame-ancestors 'none'"
    ),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
}


@dataclasses.dataclass(frozen=True)
class Desk:
    """What the page can ask of the operator; all of it runs in the node's executor."""

    state: Callable[[], dict[str, Any]]
    click: Callable[[Act, str], tuple[bool, str]]
    choose: Callable[[int], tuple[bool, str]]


class Frames:
    """The newest JPEG of each view."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, tuple[int, bytes]] = {view: (0, b'') for view in VIEWS}

    def put(self, view: str, message: CompressedImage | Image) -> None:
        """Take note of a frame; one that can't be read leaves the view to grow old."""
        if isinstance(message, Image):
            try:
                data = encode_jpeg(raw_to_rgb(message), 80)
            except ValueError:
                return
        else:
            data = bytes(message.data)
        with self._lock:
            self._newest[view] = (self._newest[view][0] + 1, data)

    def newest(self, view: str) -> tuple[int, bytes]:
        """Return the newest frame and its number; 0 and nothing before the first."""
        with self._lock:
            return self._newest[view]


class WebPage:
    """Serves the page until :meth:`close`.

    Args:
        node: the operator's.
        profile: whose head camera is the live view.
        desk: what clicks do.
        address: host and port to listen on.
        token: '' for one of its own.
    """

    def __init__(
        self,
        node: Node,
        profile: RobotProfile,
        desk: Desk,
        address: tuple[str, int],
        token: str,
    ) -> None:
        self._node = node
        self._desk = desk
        self.token = token or secrets.token_urlsafe(12)
        self.frames = Frames()
        compressed = profile.camera.transport is ImageTransport.COMPRESSED
        for view, kind, topic, qos in (
            (
                'live',
                CompressedImage if compressed else Image,
                profile.camera.topic,
                names.CAMERA_QOS,
            ),
            ('generated', CompressedImage, names.PREVIEW_VIDEO, names.STATE_QOS),
            ('comparison', CompressedImage, names.PREVIEW_COMPARISON, names.STATE_QOS),
        ):
            node.create_subscription(kind, topic, partial(self.frames.put, view), qos)
        self._server = ThreadingHTTPServer(address, partial(_Handler, self))
        self._server.daemon_threads = True
        self.url = f'http://{address[0]}:{address[1]}/?token={self.token}'
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def knows(self, token: str) -> bool:
        """Say whether a token is the right one."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        """Run ``question`` in the node's executor and return its answer; TimeoutError without."""
        done = threading.Event()
        future = self._node.executor.create_task(question, *arguments)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(PATIENCE_S):
            future.cancel()
            raise TimeoutError('the operator node did not answer')
        return future.result()

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        return self.ask(self._desk.state)

    def click(self, body: dict[str, Any]) -> dict[str, Any]:
        """Click a button of the page; ValueError for one that does not exist."""
        act, subject = Act(body.get('act')), body.get('subject')
        if not isinstance(subject, str):
            raise ValueError('subject: must be text')
        begun, line = self.ask(self._desk.click, act, subject)
        return {'begun': begun, 'line': line}

    def choose(self, body: dict[str, Any]) -> dict[str, Any]:
        """Choose a menu entry."""
        number = body.get('number')
        if not isinstance(number, int):
            raise ValueError('number: must be an integer')
        begun, line = self.ask(self._desk.choose, number)
        return {'begun': begun, 'line': line}


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = 'HTTP/1.1'
    timeout = 30

    def __init__(self, page: WebPage, *arguments: Any) -> None:
        self._page = page
        super().__init__(*arguments)

    def handle(self) -> None:
        # A browser may leave in the middle of an answer.
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        view = address.path.removeprefix('/frame/')
        if address.path == '/':
            self._send(HTTPStatus.OK, 'text/html; charset=utf-8', PAGE.read_bytes())
        elif not self._knows_token():
            self._fail(HTTPStatus.FORBIDDEN, 'the token is wrong')
        elif address.path == '/state':
            self._reply(self._page.state)
        elif view in VIEWS:
            self._frame(view, parse_qs(address.query).get('after', [''])[0])
        else:
            self._fail(HTTPStatus.NOT_FOUND, 'there is nothing here')

    def do_POST(self) -> None:
        if not self._knows_token():
            self._fail(HTTPStatus.FORBIDDEN, 'the token is wrong')
            return
        act = {'/click': self._page.click, '/choose': self._page.choose}.get(self.path)
        length = self.headers.get('Content-Length', '')
        if act is None or not length.isdigit() or int(length) > LONGEST_REQUEST:
            self._fail(HTTPStatus.BAD_REQUEST, 'no such request')
            return
        self._reply(lambda: act(_mapping(self.rfile.read(int(length)))))

    def _knows_token(self) -> bool:
        # Only the header counts: another site's form can't set it.
        return self._page.knows(self.headers.get('X-Token', ''))

    def _reply(self, answer: Callable[[], dict[str, Any]]) -> None:
        try:
            data = json.dumps(answer()).encode()
        except ValueError as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
        except TimeoutError as error:
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        else:
            self._send(HTTPStatus.OK, 'application/json', data)

    def _fail(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True
        self._send(status, 'text/plain; charset=utf-8', text.encode())

    def _send(
        self,
        status: HTTPStatus,
        kind: str,
        data: bytes,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        own = {'Content-Type': kind, 'Content-Length': str(len(data))}
        for name, value in {**HEADERS, **own, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _frame(self, view: str, known: str) -> None:
        """Send the newest frame, unless it is the one that is known by its number."""
        # Short answers: an endless stream would hold one of a browser's few connections, and STOP
        # must find one free.
        number, data = self._page.frames.newest(view)
        if not data or str(number) == known:
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()
            return
        self._send(HTTPStatus.OK, 'image/jpeg', data, {'X-Number': str(number)})

    def log_message(self, *_: Any) -> None:
        """Stay quiet: requests come many times a second."""


def _mapping(text: bytes) -> dict[str, Any]:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError('the body must be an object')
    return body
