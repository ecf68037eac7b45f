"""Run one node in this process and end it in the right order on Ctrl-C.

Ctrl-C in a terminal reaches every process of the stack at once. The replay server then
decelerates; driver and recorder must outlive it, so they wait for its STOPPED state (or
:data:`PATIENCE_S`) before they end.
"""

import signal
import sys
import threading
import traceback
from collections.abc import Callable

import rclpy
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from vag_core.configuration import ConfigError
from vag_ros import names
from vag_ros.end_request import EndRequest
from vag_ros.msg import ReplayState
from vag_ros.stack import MISCONFIGURED

PATIENCE_S = 4.0
CALLBACKS_S = 3.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    node_factory: Callable[[], Node], *, outlives_replay: bool = False, threads: int = 1
) -> int:
    """Create the node, spin it until it is asked to end, end it, and return the exit code.

    SIGINT, SIGTERM and SIGHUP (a terminal or SSH session that goes away) ask for the same end.

    A node with a method ``finish()`` has it called while callbacks still run: there the replay
    server brings the arms to rest; it returns False where that failed. Returns 0 after a requested
    end in order, MISCONFIGURED for a wrong configuration, 1 for a crash or a failed finish.
    """
    requested = EndRequest()
    # Under nohup the node is to outlive its terminal.
    ends = [n for n in ENDING if (n, signal.getsignal(n)) != (signal.SIGHUP, signal.SIG_IGN)]
    requested.listen(ends)
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    node, executor, failures, in_order = None, None, [], True
    try:
        node = node_factory()
        replay_stopped = _watch_replay(node) if outlives_replay else None
        executor = MultiThreadedExecutor(threads) if threads > 1 else SingleThreadedExecutor()
        executor.add_node(node)
        ended = threading.Event()
        spinner = threading.Thread(
            target=_spin, args=(executor, failures, requested, ended), name='executor', daemon=True
        )
        spinner.start()
        requested.wait()
        if replay_stopped is not None and node.count_publishers(names.REPLAY_STATE):
            replay_stopped.wait(PATIENCE_S)
        if hasattr(node, 'finish'):
            in_order = node.finish() is not False
        ended.set()
        # A callback that still runs when its node is destroyed fails with a complaint.
        spinner.join(CALLBACKS_S)
        executor.shutdown(timeout_sec=CALLBACKS_S)
    except ConfigError as error:
        print(f'{sys.argv[0]}: {error}', file=sys.stderr)
        return MISCONFIGURED
    finally:
        for number in ends:
            signal.signal(number, signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 1 if failures or not in_order else 0


def _watch_replay(node: Node) -> threading.Event:
    stopped = threading.Event()

    def on_state(state: ReplayState) -> None:
        if state.phase == ReplayState.PHASE_STOPPED:
            stopped.set()

    node.create_subscription(ReplayState, names.REPLAY_STATE, on_state, names.STATE_QOS)
    return stopped


def _spin(
    executor: Executor, failures: list, requested: EndRequest, ended: threading.Event
) -> None:
    # Not executor.spin(): shutting an executor down while it waits leaves callbacks that complain.
    try:
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)
    except Exception as error:
        if not requested.asked:
            traceback.print_exc()
            failures.append(error)
    finally:
        requested.ask()
