"""The time that planning takes: 93 x 14 at 10 Hz to 200 Hz, without and with clearance.

    python benchmarks/planning_time.py [--plans 20]

Prints JSON: elapsed and processor seconds (one thread) by plan. Exits with 1 when the median of
the elapsed time is 0.3 s or more without clearance, or that of the processor 1 s or more with.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import time

import numpy as np

from vag_core.robot import load_profile
from vag_core.safety.clearance import Clearance, known_clearance
from vag_core.safety.outcome import Refusal
from vag_core.safety.plan import make_plan
from vag_core.safety.request import TrajectoryRequest

PROFILE = load_profile('sim')
POINTS, FPS = 93, 10.0


def request(seed: int) -> TrajectoryRequest:
    """Build a smooth trajectory of all joints, 0.2 rad around home, one of its own per seed."""
    generator = np.random.default_rng(seed)
    times = np.arange(POINTS) / FPS
    waves = (1 - np.cos(times[:, None] * generator.uniform(0.4, 1.0, 14))) / 2
    turn = generator.uniform(0.05, 0.2, 14) * np.where(PROFILE.home_position < 0, -1, 1)
    turn[PROFILE.is_gripper] = -0.05
    positions = PROFILE.home_position + turn * waves
    return TrajectoryRequest(PROFILE.joint_names, positions.tolist(), times.tolist())


def measure(plans: int, clearance: Clearance | None) -> dict:
    """Plan again and again, after one plan that is not counted."""
    safety = dataclasses.replace(PROFILE.safety, clearance_required=clearance is not None)
    profile = dataclasses.replace(PROFILE, safety=safety)
    measured = profile.home_position + 0.01 * ~profile.is_gripper
    elapsed, processor = [], []
    for seed in range(plans + 1):
        asked = request(seed)
        begin = time.perf_counter(), time.thread_time()
        plan = make_plan(asked, profile, measured, clearance)
        elapsed.append(time.perf_counter() - begin[0])
        processor.append(time.thread_time() - begin[1])
        if isinstance(plan, Refusal):
            raise RuntimeError(plan.message)
    return {'elapsed_s': spread(elapsed[1:]), 'processor_s': spread(processor[1:])}


def spread(seconds: list[float]) -> dict:
    """Median and largest."""
    return {'median': statistics.median(seconds), 'max': max(seconds)}


def main() -> int:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--plans', type=int, default=20)
    plans = parser.parse_args().plans
    without, checked = measure(plans, None), measure(plans, known_clearance(PROFILE))
    report = {'without_clearance': without, 'with_clearance': checked}
    print(json.dumps({'plans': plans, 'load': os.getloadavg()[0], **report}, indent=2))
    return int(without['elapsed_s']['median'] >= 0.3 or checked['processor_s']['median'] >= 1.0)


if __name__ == '__main__':
    sys.exit(main())
