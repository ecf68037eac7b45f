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
import time
from collections.abc import Callable
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
BOUNDARY = 'frame'
PATIENCE_S = 2.0
LONGEST_REQUEST = 4096
FRAME_PERIOD_S = 0.05
HEADERS = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
}


@dataclasses.dataclass(frozen=True)
class Desk:
    """What the page can ask of the operator; all of it runs in the node's executor."""

    state: Callable[[], dict[str, Any]]
    click: Callable[[Act, str], tuple[bool, str]]
    choose: Callable[[int], str]


class Frames:
    """The newest JPEG of each view; readers wait for the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: dict[str, tuple[int, bytes]] = {view: (0, b'') for view in VIEWS}
        self._received: dict[str, float] = {}

    def put(self, view: str, message: CompressedImage | Image) -> None:
        """Take note of a frame."""
        if isinstance(message, Image):
            data = encode_jpeg(raw_to_rgb(message), 80)
        else:
            data = bytes(message.data)
        with self._changed:
            self._newest[view] = (self._newest[view][0] + 1, data)
            self._received[view] = time.monotonic()
            self._changed.notify_all()

    def ages(self) -> dict[str, float | None]:
        """Return how long ago, s, the newest frame of each view came; None before the first."""
        now = time.monotonic()
        with self._changed:
            found = {view: self._received.get(view) for view in VIEWS}
        return {view: None if at is None else now - at for view, at in found.items()}

    def next(self, view: str, number: int) -> tuple[int, bytes]:
        """Return the first frame after ``number``, or the newest one after a second of waiting."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest[view][0] > number, 1.0)
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
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(address, partial(_Handler, self))
        self._server.daemon_threads = True
        self.url = f'http://{address[0]}:{address[1]}/?token={self.token}'
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.closing.set()
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
        return {**self.ask(self._desk.state), 'ages': self.frames.ages()}

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
        return {'begun': True, 'line': self.ask(self._desk.choose, number)}


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
        if address.path == '/':
            self._send(HTTPStatus.OK, 'text/html; charset=utf-8', PAGE.read_bytes())
        elif not self._page.knows(self._token(parse_qs(address.query))):
            self._fail(HTTPStatus.FORBIDDEN, 'the token is wrong')
        elif address.path == '/state':
            self._reply(self._page.state)
        elif address.path.removeprefix('/video/') in VIEWS:
            self._stream(address.path.removeprefix('/video/'))
        else:
            self._fail(HTTPStatus.NOT_FOUND, 'there is nothing here')

    def do_POST(self) -> None:
        # Only the header counts: another site's form can't set it.
        if not self._page.knows(self.headers.get('X-Token', '')):
            self._fail(HTTPStatus.FORBIDDEN, 'the token is wrong')
            return
        act = {'/click': self._page.click, '/choose': self._page.choose}.get(self.path)
        length = self.headers.get('Content-Length', '')
        if act is None or not length.isdigit() or int(length) > LONGEST_REQUEST:
            self._fail(HTTPStatus.BAD_REQUEST, 'no such request')
            return
        self._reply(lambda: act(_mapping(self.rfile.read(int(length)))))

    def _token(self, query: dict[str, list[str]]) -> str:
        return self.headers.get('X-Token') or query.get('token', [''])[0]

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

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        self._start(status, kind, {'Content-Length': str(len(data))})
        self.wfile.write(data)

    def _start(self, status: HTTPStatus, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, 'Content-Type': kind, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, view: str) -> None:
        self.close_connection = True
        kind = f'multipart/x-mixed-replace; boundary={BOUNDARY}'
        self._start(HTTPStatus.OK, kind, {'Connection': 'close'})
        number, boundary = 0, f'--{BOUNDARY}\r\n'.encode()
        self.wfile.write(boundary)
        while not self._page.closing.is_set():
            newest, data = self._page.frames.next(view, number)
            if newest == number or not data:
                continue
            number = newest
            head = f'Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n'
            # A browser shows a frame when its part has ended: with the next boundary.
            self.wfile.write(head.encode() + data + b'\r\n' + boundary)
            time.sleep(FRAME_PERIOD_S)

    def log_message(self, *_: Any) -> None:
        """Stay quiet: requests come four times a second, and they carry the token."""


def _mapping(text: bytes) -> dict[str, Any]:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError('the body must be an object')
    return body
