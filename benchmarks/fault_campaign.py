"""Faults at random times during motions of the replay server: does it always stop, and stay so?

    python benchmarks/fault_campaign.py [--runs 200] [--out output/fault_campaign.jsonl]

Real processes: replay server, a driver with two arms, a recorder, a heartbeat; one fault per run,
in turn, at a random moment of a 3 s motion. What is sent is judged by recheck_bag.py, which
knows nothing of the planner. Every run is appended to --out at once: started again, the campaign
goes on where it ended. Prints a table, and the summary as JSON to --summary.
"""

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
import recheck_bag
import replay_cell
import yaml
from builtin_interfaces.msg import Time
from replay_cell import PROFILE, Client, end, start, start_node, swing
from rich.progress import track
from rosgraph_msgs.msg import Clock

from vag_core.safety.outcome import ErrorCode
from vag_ros import names

MOTION_S, TURN = 3.0, 0.8
OTHERS = ('driver', 'recorder', 'heartbeat', 'planner')
FAULTS = (
    'kill another process',
    'suspend another process',
    'suspend the server',
    'feedback silent',
    'feedback jumps',
    'feedback late',
    'feedback frozen',
    'stop',
    'cancel',
    'second goal',
    'clock step',
    'load on all cores',
    'disk full',
)
QUIET_S = 0.3
LOG_TAIL = 4000
# A machine that others use may end a motion before the fault does.
ATTEMPTS = 5
DISK_BYTES = 200_000
SIM = Path(__file__).parents[1] / 'config/robots/sim.yaml'
CODES = {code.value: code.name for code in ErrorCode}


class Cell:
    """The processes of the campaign; those that a fault has hit are started anew."""

    def __init__(self, folder: Path, *, steps_clock: bool, disk_full: bool, priority: int):
        self.domain = replay_cell.free_domain()
        self.log = folder / f'cell_{self.domain}.log'
        self._folder, self._disk_full, self._priority = folder, disk_full, priority
        self._robot = strict_profile(folder)
        self.processes: dict[str, subprocess.Popen] = {}
        self._steps_clock = steps_clock
        self.client = Client(self.domain)
        self._clock = self.client.node.create_publisher(Clock, '/clock', 1)
        self.clock_offset_s = 0
        if steps_clock:
            self.client.node.create_timer(0.02, self._publish_clock)
        self.repair()

    def repair(self) -> None:
        """Start what does not run."""
        starts = {
            'driver': lambda: start(
                'import replay_cell; replay_cell.run_driver()', self.log, self.domain
            ),
            'heartbeat': lambda: start(
                'import replay_cell; replay_cell.run_heartbeat()', self.log, self.domain
            ),
            'recorder': lambda: start_node(
                'recorder',
                self.log,
                self.domain,
                file_size=DISK_BYTES if self._disk_full else 0,
                robot='sim',
                bag_dir=self._folder / 'bags',
            ),
            'server': lambda: start_node(
                'replay_server',
                self.log,
                self.domain,
                robot=self._robot,
                dry_run=False,
                heartbeat_timeout_s=1.0,
                real_time_priority=self._priority,
                use_sim_time=self._steps_clock,
            ),
        }
        for name, begin in starts.items():
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                self.processes[name] = begin()
        self.tell('home')

    def make_ready(self) -> None:
        """Arms at home, server reset and armed, no command left over."""
        self.repair()
        at_home = PROFILE.home_position
        self.client.wait(
            lambda: (
                self.client.state is not None
                and np.allclose(self.client.state.actual.positions, at_home, atol=1e-3)
            ),
            'arms at home',
        )
        self.client.call(names.RESET)
        self.client.wait(lambda: self.client.call(names.ARM).success, 'armed')
        for store in self.client.commands.values():
            store.clear()

    def tell(self, mode: str) -> None:
        """Tell the driver what to do."""
        pipe = self.processes['driver'].stdin
        pipe.write(f'{mode}\n'.encode())
        pipe.flush()

    def pid(self, name: str) -> int:
        """Process id; the planner is a child of the server."""
        if name != 'planner':
            return self.processes[name].pid
        threads = Path(f'/proc/{self.pid("server")}/task').glob('*/children')
        (planner,) = (int(pid) for thread in threads for pid in thread.read_text().split())
        return planner

    def close(self) -> None:
        """End everything that was started."""
        for process in self.processes.values():
            end(process)
        self.client.close()

    def _publish_clock(self) -> None:
        seconds, rest = divmod(time.monotonic_ns() + self.clock_offset_s * 10**9, 10**9)
        self._clock.publish(Clock(clock=Time(sec=seconds + 10**6, nanosec=rest)))


def strict_profile(folder: Path) -> Path:
    """Write the simulated robot's profile with the patience that real robots get."""
    profile = yaml.safe_load(SIM.read_text())
    for key in ('feedback_timeout_s', 'max_lateness_s', 'path_tolerance', 'retreat_max'):
        del profile['safety'][key]
    path = folder / 'strict.yaml'
    path.write_text(yaml.safe_dump(profile))
    return path


def inject(fault: str, cell: Cell, handle, generator: random.Random) -> tuple[str, list]:
    """Do it; returns what exactly was done, and what undoes it."""
    if fault.endswith('process'):
        return disturb(cell, generator.choice(OTHERS), kills=fault.startswith('kill'))
    if fault.startswith('feedback'):
        mode = {'jumps': 'jump'}.get(fault.split()[1], fault.split()[1])
        if mode == 'jump':
            mode = generator.choice(['jump', 'blip'])
        cell.tell(mode)
        return mode, [lambda: cell.tell('ok')]
    if fault == 'suspend the server':
        pid, seconds = cell.pid('server'), generator.uniform(0.05, 2.5)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
        return f'{seconds:.2f} s', []
    detail, undo = '', []
    if fault == 'stop':
        cell.client.call(names.STOP)
    elif fault == 'cancel':
        cell.client.ask(handle.cancel_goal_async)
    elif fault == 'second goal':
        code = cell.client.result(cell.client.send(swing(1.0, 0.1))).error_code
        detail = f'refused as {CODES[code]}'
    elif fault == 'clock step':
        step = generator.choice([-3600, -5, 5, 3600])
        cell.clock_offset_s += step
        detail = f'{step:+} s'
    elif fault == 'load on all cores':
        busy = [
            subprocess.Popen([sys.executable, '-c', 'while True: pass'])
            for _ in range(os.cpu_count() or 1)
        ]
        detail, undo = f'{len(busy)} processes', [process.kill for process in busy]
    return detail, undo


def disturb(cell: Cell, other: str, kills: bool) -> tuple[str, list]:
    """Kill or suspend a process beside the server."""
    pid = cell.pid(other)
    os.kill(pid, signal.SIGKILL if kills else signal.SIGSTOP)
    return other, [] if kills else [lambda: os.kill(pid, signal.SIGCONT)]


def run(cell: Cell, fault: str, generator: random.Random, arms: list[dict]) -> dict:
    """One motion with one fault; returns what came of it."""
    client = cell.client
    moment = generator.uniform(0.1, MOTION_S - 0.3)
    early, problems = [], []
    for _ in range(ATTEMPTS):
        handle, ending, at = begin(cell, moment)
        if not ending.done():
            break
        result = end_of(client, ending)
        early.append(result.error_string)
        problems += judge(client, arms, at, result)['problems']
    else:
        raise RuntimeError(f'ended before the fault, each time: {early}')
    detail, undo = inject(fault, cell, handle, generator)
    result = end_of(client, ending)
    time.sleep(QUIET_S)
    for action in undo:
        action()
    report = {
        'fault': fault,
        'detail': detail,
        'moment_s': moment,
        'ending': CODES[result.error_code],
        'reason': result.error_string,
        'ended_before_fault': early,
        'latched': bool(client.state.latched),
        **judge(client, arms, at, result),
    }
    report['problems'] += problems
    report['resumed'] = resumed(client) if report['latched'] else False
    return report


def begin(cell: Cell, moment: float) -> tuple:
    """Start a motion; returns its handle, the future of its result, and the commands so far.

    It has gone on for ``moment`` s then, or has ended before.
    """
    cell.make_ready()
    client = cell.client
    handle = client.send(swing(MOTION_S, TURN))
    client.approve()
    ending = client.begin(handle.get_result_async)
    first = next(iter(client.commands.values()))
    try:
        client.wait(
            lambda: len(first) >= moment * PROFILE.command_rate_hz or ending.done(), 'commands'
        )
    except TimeoutError as error:
        raise TimeoutError(f'{error}; the server says {client.state}') from error
    return handle, ending, len(first)


def end_of(client: Client, ending):
    """Wait for the end of a motion and its last command; returns its result."""
    client.wait(ending.done, 'the end')
    result = ending.result().result
    client.wait(
        lambda: all(len(store) >= result.commands_sent for store in client.commands.values()),
        'the last commands',
    )
    return result


def judge(client: Client, arms: list[dict], at: int, result) -> dict:
    """Hold what was sent against the limits, and measure how far the arms still went."""
    problems, peaks, distance, seconds = [], {'velocity': 0.0, 'acceleration': 0.0}, 0.0, 0.0
    parts = 0
    braked = CODES[result.error_code] not in ('COMMAND_LATE', 'SOFTWARE_FAULT')
    for number, arm in enumerate(arms):
        received = client.commands[arm['topic']]
        if not received:
            continue
        stamps = np.array([stamp for stamp, *_ in received])
        published = np.array([moment for _, moment, *_ in received])
        positions = np.array([position for *_, position in received])
        # make_ready() has seen them there.
        home = PROFILE.home_position[PROFILE.arm_slice(PROFILE.arms[number])]
        home = PROFILE.to_driver(PROFILE.arms[number], home)
        reports = recheck_bag.check_goal(stamps, positions, arm, home, at_rest=braked)
        parts = max(parts, len(reports))
        for report in reports:
            problems += report['problems']
            peaks = {key: max(peaks[key], report[key]) for key in peaks}
        if caught_up(published, arm['period_ns']):
            problems.append('commands in a burst')
        after = positions[max(min(at, len(positions)) - 1, 0) :, :6]
        moving = np.flatnonzero(np.diff(after, axis=0).any(axis=1))
        distance = max(distance, float(np.abs(after - after[0]).max()))
        if len(moving):
            seconds = max(seconds, (moving[-1] + 1) * arm['period_ns'] * 1e-9)
    return {
        'problems': problems,
        'parts': parts,
        'peaks': peaks,
        'stop_distance_rad': distance,
        'stop_time_s': seconds,
        'max_lateness_s': result.max_lateness,
    }


def caught_up(published: np.ndarray, period_ns: int) -> bool:
    """Whether the server made up for lost time: in 0.1 s more commands than its rate and a few."""
    span = round(1e8 / period_ns) + 6
    return len(published) > span and bool((published[span:] - published[:-span] < 1e8).any())


def resumed(client: Client) -> bool:
    """Whether anything moves after a latched stop without a reset, even when asked to."""
    count = sum(map(len, client.commands.values()))
    code = client.result(client.send(swing(1.0, 0.1))).error_code
    time.sleep(QUIET_S)
    moved = sum(map(len, client.commands.values())) > count
    return moved or CODES[code] != 'LATCHED'


def summarise(runs: list[dict]) -> dict:
    """Figures over all runs, and by fault."""
    by_fault = collections.defaultdict(list)
    for item in runs:
        by_fault[item['fault']].append(item)
    loads = [item['load'] for item in runs]
    return {
        'runs': len(runs),
        'load': {'median': float(np.median(loads)), 'max': max(loads)},
        'failed_to_run': sum('error' in item for item in runs),
        'ended_before_fault': sum(len(item.get('ended_before_fault', ())) for item in runs),
        'in_several_parts': sum(item.get('parts', 0) > 1 for item in runs),
        'exceeded_a_limit': sum(bool(item.get('problems')) for item in runs),
        'resumed_without_reset': sum(bool(item.get('resumed')) for item in runs),
        'by_fault': {fault: figures(items) for fault, items in sorted(by_fault.items())},
    }


def figures(items: list[dict]) -> dict:
    """Endings, and distance and time from the fault to rest."""
    whole = [item for item in items if 'ending' in item]
    stopped = [item for item in whole if item['ending'] != 'SUCCESSFUL']
    distances = [item['stop_distance_rad'] for item in stopped] or [0.0]
    times = [item['stop_time_s'] for item in stopped] or [0.0]
    return {
        'runs': len(items),
        'endings': dict(collections.Counter(item['ending'] for item in whole)),
        'stop_distance_rad': {'median': float(np.median(distances)), 'max': max(distances)},
        'stop_time_s': {'median': float(np.median(times)), 'max': max(times)},
    }


def show(summary: dict) -> None:
    """Print the table, as Markdown."""
    print(
        f'{summary["runs"]} runs, {summary["failed_to_run"]} that the campaign itself could not '
        f'run; motions that ended before the fault and were made again: '
        f'{summary["ended_before_fault"]}; motions in more than one part: '
        f'{summary["in_several_parts"]}; motions that exceeded a limit: '
        f'{summary["exceeded_a_limit"]}; resumed without reset: '
        f'{summary["resumed_without_reset"]}\n'
    )
    print('| fault | runs | endings | stop distance, rad (median / max) | stop time, s |')
    print('|---|---|---|---|---|')
    for fault, item in summary['by_fault'].items():
        endings = ', '.join(f'{name} {count}' for name, count in item['endings'].items())
        distance, seconds = item['stop_distance_rad'], item['stop_time_s']
        print(
            f'| {fault} | {item["runs"]} | {endings} | {distance["median"]:.3f} / '
            f'{distance["max"]:.3f} | {seconds["median"]:.2f} / {seconds["max"]:.2f} |'
        )


def main() -> int:
    """Run the campaign; 0 when no motion exceeded a limit and none resumed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=204)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--priority', type=int, default=20, help='real-time priority to ask for')
    parser.add_argument('--out', type=Path, default=Path('output/fault_campaign.jsonl'))
    parser.add_argument('--summary', type=Path, help='JSON; beside --out by default')
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in lines(arguments.out)]
    arms = recheck_bag.read_limits(SIM)
    known = {item['number'] for item in done}
    todo = sorted(set(range(arguments.runs)) - known, key=lambda n: (environment(n), n))
    with tempfile.TemporaryDirectory() as folder:
        cell, kind = None, None
        try:
            for number in track(todo, 'runs'):
                if cell is None or kind != environment(number):
                    if cell is not None:
                        cell.close()
                    kind = environment(number)
                    cell = Cell(
                        Path(folder),
                        steps_clock=kind == 1,
                        disk_full=kind == 2,
                        priority=arguments.priority,
                    )
                generator = random.Random(f'{arguments.seed}/{number}')
                fault = FAULTS[number % len(FAULTS)]
                try:
                    report = run(cell, fault, generator, arms)
                except Exception as error:
                    report = {
                        'fault': fault,
                        'error': repr(error),
                        'trace': traceback.format_exc(),
                        'state': str(cell.client.state),
                        'log': cell.log.read_text()[-LOG_TAIL:],
                    }
                    cell.close()
                    cell = None
                done.append({'number': number, 'load': os.getloadavg()[0], **report})
                with arguments.out.open('a') as file:
                    file.write(json.dumps(done[-1]) + '\n')
        finally:
            if cell is not None:
                cell.close()
    summary = summarise(done)
    target = arguments.summary or arguments.out.with_suffix('.json')
    target.write_text(json.dumps(summary, indent=2))
    show(summary)
    return int(summary['exceeded_a_limit'] + summary['resumed_without_reset'] > 0)


def lines(path: Path) -> list[str]:
    """Lines of a file, none when there is none."""
    return path.read_text().splitlines() if path.exists() else []


def environment(number: int) -> int:
    """Which cell a run needs: 1 a clock of its own, 2 a full disk, 0 neither."""
    return {'clock step': 1, 'disk full': 2}.get(FAULTS[number % len(FAULTS)], 0)


if __name__ == '__main__':
    sys.exit(main())
