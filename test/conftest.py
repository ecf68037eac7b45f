"""What every test may rely on."""

import signal


def pytest_configure():
    """Make Ctrl-C reach the processes under test.

    A background job of a shell starts with SIGINT ignored, and its children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
