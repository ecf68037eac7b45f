"""The rate of commands under load: 200 Hz for 60 s beside two busy Python processes.

    python benchmarks/command_rate.py [--seconds 60] [--busy 2] [--priority 20]

Meanwhile goals are planned, refused and shown as ghost. A replay server takes one goal at a time,
so the one that is measured refuses a second goal every second; a second server, a dry one beside
it, plans goals, shows each as ghost for half a second, and refuses others.

Intervals are those between neighbouring commands to one arm, by the moment at which each was
published; those of their arrival, with transport and a receiver under the same load, stand beside
them. A command that this process was not given leaves a gap that says nothing about the server:
such gaps are counted, not judged. Prints JSON; exits with 1 when the 99th percentile is 8 ms or
more, an interval exceeds 25 ms, or more than a thousandth of the commands were lost that way.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import replay_cell
import yaml
from replay_cell import PROFILE, Client, end, start, start_node, swing
from sensor_msgs.msg import JointState

from vag_core.configuration import to_mapping
from vag_core.safety.plan import command_period_ns
from vag_ros import names
from vag_ros.action import ReplayTrajectory

P99_MS, MAX_MS, MAX_LOST_SHARE = 8.0, 25.0, 1e-3
BESIDE = 'beside'
SHOWN_S, PAUSE_S = 0.5, 0.5
LAST_S = 3.0
RECEIVER_NICE = 10
Result = ReplayTrajectory.Result


def measure(client: Client, beside: Client, seconds: float) -> dict:
    """Replay one long motion; returns intervals in ms and what the server itself counted."""
    ghosts = []
    beside.node.create_subscription(
        JointState, names.PREVIEW_JOINT_STATES, ghosts.append, names.STATE_QOS
    )
    handle = client.send(swing(seconds, 0.5))
    client.approve()
    first = next(iter(client.commands.values()))
    client.wait(lambda: len(first) > 1, 'commands')
    busy, refused, planning, until = 0, 0, [], time.monotonic() + seconds - 3.0
    while time.monotonic() < until:
        busy += client.result(client.send(swing(2.0, 0.1))).error_code == Result.BUSY
        begin = time.monotonic()
        shown = beside.send(swing(9.2, 0.3))
        beside.plan()
        planning.append(time.monotonic() - begin)
        time.sleep(SHOWN_S)
        beside.ask(shown.cancel_goal_async)
        beside.result(shown)
        answer = beside.result(beside.send(swing(1.0, 3.0)))
        refused += answer.error_code == Result.POSITION_LIMIT_VIOLATED
        time.sleep(PAUSE_S)
    result = client.result(handle)
    received = 0
    while received < len(first) < result.commands_sent:
        received = len(first)
        time.sleep(LAST_S)
    stamps, published, arrived = np.array([moments for *moments, _ in first]).T
    return {
        'ending': result.error_code,
        **judge(stamps, published, arrived, result.commands_sent),
        'late_ticks': result.late_ticks,
        'server_max_lateness_ms': result.max_lateness * 1e3,
        'meanwhile': {
            'refused_as_busy': busy,
            'planned': len(planning),
            'planned_after_s': quantiles(np.array(planning)),
            'ghost_messages': len(ghosts),
            'refused': refused,
        },
    }


def judge(
    stamps: np.ndarray, published: np.ndarray, arrived: np.ndarray, commands_sent: int
) -> dict:
    """Intervals between neighbouring commands, and how many commands were lost on the way.

    Args:
        stamps, published, arrived: (N,) ns, of the commands that were received.
        commands_sent: by the server's own count.
    """
    neighbours = np.diff(stamps) == command_period_ns(PROFILE)
    intervals = np.diff(published)[neighbours] * 1e-6
    seconds = float(published[-1] - published[0]) * 1e-9
    lost = commands_sent - len(stamps)
    return {
        'commands_sent': commands_sent,
        'commands_received': len(stamps),
        'commands_lost': lost,
        'lost_share': lost / commands_sent,
        'intervals_not_judged': int((~neighbours).sum()),
        'seconds': seconds,
        'rate_hz': (commands_sent - 1) / seconds,
        'interval_ms': quantiles(intervals),
        'arrival_interval_ms': quantiles(np.diff(arrived)[neighbours] * 1e-6),
        'over_25_ms': int((intervals > MAX_MS).sum()),
    }


def met(report: dict) -> bool:
    """Whether the demand on the rate is met, by enough commands to say so."""
    interval = report['interval_ms']
    in_time = interval['p99'] < P99_MS and interval['max'] <= MAX_MS
    return in_time and report['lost_share'] <= MAX_LOST_SHARE


def quantiles(values: np.ndarray) -> dict:
    """Median, 99th percentile and largest."""
    p50, p99 = np.percentile(values, [50, 99])
    return {'p50': float(p50), 'p99': float(p99), 'max': float(values.max())}


def listening_profile(folder: Path) -> Path:
    """Write the simulated robot's profile with feedback topics that no namespace moves."""
    profile = to_mapping(PROFILE)
    for arm in profile['arms']:
        arm['feedback_topic'] = f'/{arm["feedback_topic"]}'
    path = folder / 'listening.yaml'
    path.write_text(yaml.safe_dump(profile))
    return path


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--busy', type=int, default=2, help='busy Python processes beside it')
    parser.add_argument('--priority', type=int, default=20, help='real-time priority to ask for')
    arguments = parser.parse_args()
    domain = replay_cell.free_domain()
    report = {
        'wanted_hz': PROFILE.command_rate_hz,
        'busy_processes': arguments.busy,
        'priority_asked_for': arguments.priority,
        'load_before': os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / 'log'
        profile = listening_profile(Path(folder))
        processes = [
            start_node(
                'replay_server',
                log,
                domain,
                robot='sim',
                dry_run=False,
                real_time_priority=arguments.priority,
            ),
            start_node('replay_server', log, domain, namespace=BESIDE, robot=profile),
            start('import replay_cell; replay_cell.run_driver()', log, domain),
        ]
        # Its threads note every command, if they come to their turn.
        with contextlib.suppress(PermissionError):
            os.nice(-RECEIVER_NICE)
        client, beside = Client(domain), Client(domain, BESIDE)
        busy = []
        try:
            client.wait(lambda: client.state is not None, 'the replay server')
            beside.wait(lambda: beside.state is not None, 'the replay server beside it')
            client.wait(lambda: client.call(names.ARM).success, 'armed')
            busy = [
                subprocess.Popen(
                    ['nice', '-n', str(-os.nice(0)), sys.executable, '-c', 'while True: pass']
                )
                for _ in range(arguments.busy)
            ]
            report |= measure(client, beside, arguments.seconds)
        finally:
            for process in busy:
                process.kill()
            for process in processes:
                end(process)
            client.close()
            beside.close()
    report['load_after'] = os.getloadavg()[0]
    print(json.dumps(report, indent=2))
    return int(not met(report))


if __name__ == '__main__':
    sys.exit(main())
