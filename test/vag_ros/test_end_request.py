"""The end may be asked for by signals that interrupt each other."""

import subprocess
import sys

BURST = """
import os, signal, threading
from vag_ros.end_request import EndRequest

request = EndRequest()
signal.signal(signal.SIGUSR1, request.ask)

def burst():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.SIGUSR1)

thread = threading.Thread(target=burst)
thread.start()
while thread.is_alive():
    assert request.wait()
print('heard')
"""


def test_a_burst_of_signals_is_heard_and_blocks_nothing():
    done = subprocess.run(
        [sys.executable, '-c', BURST], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, 'heard\n'), done.stderr


def test_without_a_request_waiting_ends_after_its_time():
    from vag_ros.end_request import EndRequest

    assert not EndRequest().wait(0.01)
