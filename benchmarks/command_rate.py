"""The rate of commands under load: 200 Hz for 60 s beside two busy Python processes.

    python benchmarks/command_rate.py [--seconds 60] [--busy 2]

Meanwhile further goals are sent, and refused because the server is busy; that they are planned and
shown as ghosts meanwhile can't be: one goal at a time. Planning takes place in a process of its
own, so beside a motion it would be one more busy process. Intervals are those between neighbouring
commands to one arm, by the moment at which each was published; those of their arrival, with
transport and a receiver under the same load, stand beside them. Prints JSON; exits with 1 when the
99th percentile is 8 ms or more, or an interval exceeds 25 ms.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import replay_cell
from replay_cell import PROFILE, Client, end, start, start_node, swing

from vag_ros import names
from vag_ros.action import ReplayTrajectory

P99_MS, MAX_MS = 8.0, 25.0


def measure(client: Client, seconds: float) -> dict:
    """Replay one long motion; returns intervals in ms and what the server itself counted."""
    goal = swing(seconds, 0.5)
    begin = time.monotonic()
    handle = client.send(goal)
    client.approve()
    planning = time.monotonic() - begin
    first = next(iter(client.commands.values()))
    client.wait(lambda: len(first) > 1, 'commands')
    refused, until = 0, time.monotonic() + seconds - 2.0
    while time.monotonic() < until:
        answer = client.result(client.send(swing(2.0, 0.1)))
        refused += answer.error_code == ReplayTrajectory.Result.BUSY
        time.sleep(0.5)
    result = client.result(handle)
    published = np.array([moment for _, moment, *_ in first])
    arrived = np.array([moment for _, _, moment, _ in first])
    intervals = np.diff(published) * 1e-6
    return {
        'ending': result.error_code,
        'commands': len(published),
        'seconds': float(published[-1] - published[0]) * 1e-9,
        'rate_hz': (len(published) - 1) / (float(published[-1] - published[0]) * 1e-9),
        'interval_ms': quantiles(intervals),
        'arrival_interval_ms': quantiles(np.diff(arrived) * 1e-6),
        'over_25_ms': int((intervals > MAX_MS).sum()),
        'late_ticks': result.late_ticks,
        'server_max_lateness_ms': result.max_lateness * 1e3,
        'refused_meanwhile': refused,
        'sent_to_approved_s': planning,
    }


def quantiles(values: np.ndarray) -> dict:
    """Median, 99th percentile and largest."""
    p50, p99 = np.percentile(values, [50, 99])
    return {'p50': float(p50), 'p99': float(p99), 'max': float(values.max())}


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--busy', type=int, default=2, help='busy Python processes beside it')
    parser.add_argument('--priority', type=int, default=0, help='real-time priority to ask for')
    arguments = parser.parse_args()
    domain = replay_cell.free_domain()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / 'log'
        processes = [
            start_node(
                'replay_server',
                log,
                domain,
                robot='sim',
                dry_run=False,
                real_time_priority=arguments.priority,
            ),
            start('import replay_cell; replay_cell.run_driver()', log, domain),
        ]
        client = Client(domain)
        busy = []
        try:
            client.wait(lambda: client.state is not None, 'the replay server')
            client.wait(lambda: client.call(names.ARM).success, 'armed')
            busy = [
                subprocess.Popen([sys.executable, '-c', 'while True: pass'])
                for _ in range(arguments.busy)
            ]
            report = measure(client, arguments.seconds)
        finally:
            for process in busy:
                process.kill()
            for process in processes:
                end(process)
            client.close()
    report = {'wanted_hz': PROFILE.command_rate_hz, 'busy_processes': arguments.busy, **report}
    print(json.dumps(report, indent=2))
    interval = report['interval_ms']
    return int(interval['p99'] >= P99_MS or interval['max'] > MAX_MS)


if __name__ == '__main__':
    sys.exit(main())
