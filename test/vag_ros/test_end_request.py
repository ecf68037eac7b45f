"""The end may be asked for by signals that interrupt each other."""

import subprocess
import sys

import pytest

BURST = """
import os, signal, threading
from vag_ros.end_request import EndRequest

request = EndRequest()
request.listen([signal.SIGUSR1])

def burst():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.SIGUSR1)

thread = threading.Thread(target=burst)
thread.start()
while thread.is_alive():
    assert request.wait()
print('heard')
"""

ELSEWHERE = """
import signal, threading
from vag_ros.end_request import EndRequest

request = EndRequest()
request.listen([signal.SIGUSR1])

def interrupted():
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    threading.Event().wait()

threading.Timer(0.2, interrupted).start()
assert request.wait()
print('heard', flush=True)
import os
os._exit(0)
"""


@pytest.mark.parametrize('code', [BURST, ELSEWHERE], ids=['burst', 'in another thread'])
def test_signals_are_heard_and_block_nothing(code):
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, 'heard\n'), done.stderr


def test_without_a_request_waiting_ends_after_its_time():
    from vag_ros.end_request import EndRequest

    assert not EndRequest().wait(0.01)
