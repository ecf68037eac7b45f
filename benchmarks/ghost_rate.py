"""The ghost's rate: how often its shapes come while a plan waits for approval.

Starts the simulated robot, the replay server and the operator, lets a motion of both arms be
planned, and counts what arrives on vag/robot_markers, as RViz would get it where there is no TF.
On a machine that is busy otherwise the rate says little; the processor time of the operator, which
turns joints into shapes, for each of the ghost's poses hardly depends on it. Run it inside env.sh.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from visualization_msgs.msg import Marker, MarkerArray

from vag_core.episode import Episode
from vag_core.panel import Act
from vag_core.robot import load_profile
from vag_ros import convert, msg, names, stack
from vag_ros.operator_calls import OperatorCalls
from vag_ros.supervisor import Supervisor

NEEDED = ('sim_robot', 'replay_server', 'operator')
PATIENCE_S = 120.0
FPS, STEPS = 10.0, 93


def swaying():
    """Return an episode in which every joint of both arms moves all the time."""
    profile = load_profile('sim')
    phase = 2 * np.pi * np.arange(STEPS) / (STEPS - 1)
    reach = np.where(profile.is_gripper, 0.01, 0.15) * np.sin(phase)[:, None]
    actions = (profile.home_position + reach).clip(profile.lower, profile.upper)
    episode = Episode(
        episode_id='swaying',
        instruction='sway',
        fps=FPS,
        embodiment=profile.as_embodiment(),
        actions=actions.astype(np.float32),
        videos={'cam_high': np.zeros((STEPS, 16, 16, 3), np.uint8)},
        provenance={'seed': 0},
    )
    return convert.to_episode_message(episode, profile)


def processor_s(pid):
    """Return the processor time that a process has used, s."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def main():
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=20.0)
    arguments = parser.parse_args()
    processes = [p for p in stack.describe(stack.StackOptions()) if p.name in NEEDED]
    rclpy.init()
    node = rclpy.create_node('ghost_rate')
    arrivals = []

    def count(message):
        if any(m.ns == 'ghost' and m.action == Marker.ADD for m in message.markers):
            arrivals.append(time.monotonic())

    node.create_subscription(MarkerArray, names.ROBOT_MARKERS, count, names.STATE_QOS)
    episodes = node.create_publisher(msg.Episode, names.EPISODE, names.LATCHED_QOS)
    episodes.publish(swaying())
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def receive(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)

    with Supervisor(processes, Path(tempfile.mkdtemp(prefix='ghost_rate_'))) as running:
        calls = OperatorCalls(timeout_s=PATIENCE_S)
        deadline, answer = time.monotonic() + PATIENCE_S, None
        while not arrivals:
            if time.monotonic() > deadline:
                raise SystemExit(f'no ghost came: {answer}')
            answer = calls.press(Act.PLAN)
            receive(1.0)
        arrivals.clear()
        load, before = os.getloadavg()[0], processor_s(running.pid('operator'))
        receive(arguments.seconds)
        spent = processor_s(running.pid('operator')) - before
    gaps = np.diff(arrivals)
    print(
        json.dumps(
            {
                'rate_hz': round(1 / gaps.mean(), 2),
                'gap_ms_median': round(1e3 * float(np.median(gaps)), 1),
                'gap_ms_p99': round(1e3 * float(np.quantile(gaps, 0.99)), 1),
                'gap_ms_max': round(1e3 * float(gaps.max()), 1),
                'messages': len(arrivals),
                'operator_ms_per_pose': round(1e3 * spent / len(arrivals), 1),
                'load': round(load, 1),
                'cores': os.cpu_count(),
            }
        )
    )
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
