"""A headless Chromium by the W3C WebDriver protocol, as Debian's chromium-driver speaks it."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

START_S = 60.0


def missing():
    """Say what is not installed, or ''."""
    programs = [name for name in ('chromium', 'chromedriver') if shutil.which(name) is None]
    return f'needs {" and ".join(programs)} (Debian: chromium, chromium-driver)' * bool(programs)


def free_port():
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Browser:
    """One window."""

    def __init__(self, root):
        self._root = root
        options = {
            'args': [
                *('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'),
                '--window-size=1280,1150',
            ]
        }
        wanted = {'capabilities': {'alwaysMatch': {'goog:chromeOptions': options}}}
        self._session = self._send('POST', '/session', wanted)['sessionId']

    def _send(self, method, path, body=None):
        request = urllib.request.Request(
            self._root + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={'Content-Type': 'application/json'},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)['value']

    def _do(self, method, path, body=None):
        return self._send(method, f'/session/{self._session}{path}', body)

    def open(self, url):
        """Load a page and wait until it is loaded."""
        self._do('POST', '/url', {'url': url})

    def run(self, script):
        """Run JavaScript and return its value."""
        return self._do('POST', '/execute/sync', {'script': script, 'args': []})

    def text(self, css):
        """Return the visible text of an element."""
        return self.run(f'return document.querySelector({css!r}).innerText')

    def press(self, keys):
        """Press keys wherever the focus is."""
        actions = [{'type': kind, 'value': k} for k in keys for kind in ('keyDown', 'keyUp')]
        device = {'type': 'key', 'id': 'keyboard', 'actions': actions}
        self._do('POST', '/actions', {'actions': [device]})

    def focused(self):
        """Return the accessible name of what has the focus, as a screen reader would say it."""
        (element,) = self._do('GET', '/element/active').values()
        return self._do('GET', f'/element/{element}/computedlabel')

    def picture(self):
        """Return a PNG of the window."""
        return base64.b64decode(self._do('GET', '/screenshot'))

    def close(self):
        """Close the window."""
        self._do('DELETE', '')


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start driver and browser, and end both."""
    port = free_port()
    driver = subprocess.Popen(
        ['chromedriver', f'--port={port}'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                window = Browser(f'http://127.0.0.1:{port}')
                break
            except (ConnectionError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        try:
            yield window
        finally:
            window.close()  # the driver leaves the browser behind
    finally:
        driver.terminate()
        driver.wait(10)
