"""What every test may rely on."""

import signal

from hypothesis import HealthCheck, settings

# A machine that stands still for a moment says nothing about the code under test; and every run
# meets the same examples, so that one that fails can be repeated.
settings.register_profile(
    'any machine',
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile('any machine')


def pytest_configure():
    """Make Ctrl-C and the end of a terminal reach the processes under test.

    A background job of a shell starts with SIGINT ignored, one under nohup with SIGHUP, and their
    children inherit that.
    """
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
