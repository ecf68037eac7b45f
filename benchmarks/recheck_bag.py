"""Re-check the commands in a bag against a robot profile, by differences alone.

    python benchmarks/recheck_bag.py BAG [--robot sim]

Independent of the planner: it imports nothing of this project. Limits come from the profile's
YAML; velocity and acceleration are first and second differences of positions over the stamps.
Between two plans the arms may be moved by others; a goal begins where they were measured last, and
within it nothing else may move them: where stamps are not one period apart the commands were at
rest, and go on where they were.
Exits with 0 when every goal keeps the limits, else with 1.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import yaml

# Of float64 differences divided by the squared period.
ROUNDING = 1e-6
# Of positions in a driver's units and back, rad and m.
SAME_PLACE = 1e-9
# How far from where an arm was measured its first command may be, rad and m.
BEGIN = 0.02
# Published with each plan, before the goal sends its first command.
PLANS = 'vag/replay/planned_trajectory'


def read_limits(path: Path) -> list[dict]:
    """Per arm its command topic, joint names and arrays of limits, in the driver's units."""
    profile = yaml.safe_load(path.read_text())
    arms = []
    for arm in profile['arms']:
        limits = [profile['joint_limits'][joint] for joint in arm['driver_joints']]
        gripper = np.array([joint == profile['gripper_joint'] for joint in arm['driver_joints']])
        scale = np.where(gripper, arm['gripper'].get('scale', 1.0), 1.0)
        offset = np.where(gripper, arm['gripper'].get('offset', 0.0), 0.0)
        ends = [
            scale * np.array([x['min_position'] + x.get('lower_margin', 0) for x in limits])
            + offset,
            scale * np.array([x['max_position'] - x.get('upper_margin', 0) for x in limits])
            + offset,
        ]
        arms.append(
            {
                'topic': arm['command_topic'],
                'measured': arm['feedback_topic'],
                'joints': arm['driver_joints'],
                'lower': np.minimum(*ends),
                'upper': np.maximum(*ends),
                'velocity': np.abs(scale) * [x['max_velocity'] for x in limits],
                'acceleration': np.abs(scale) * [x['max_acceleration'] for x in limits],
                'period_ns': round(1e9 / profile['command_rate_hz']),
            }
        )
    return arms


def check_motion(positions: np.ndarray, arm: dict, measured: np.ndarray, at_rest: bool) -> dict:
    """Peaks of one motion as shares of the limits, and what exceeds them.

    Args:
        positions: (N, n) in the driver's units, one period apart.
        arm: of :func:`read_limits`.
        measured: (n,) where the arm was before; what lies outside its limits may be left.
        at_rest: whether the motion is over, so that it must also end at rest.
    """
    period = arm['period_ns'] * 1e-9
    velocity = np.diff(positions, axis=0) / period
    still = np.zeros((1, positions.shape[1]))
    ends = [still, velocity, still] if at_rest else [still, velocity]
    acceleration = np.diff(np.concatenate(ends), axis=0) / period
    lower = np.minimum(arm['lower'], measured) - ROUNDING
    upper = np.maximum(arm['upper'], measured) + ROUNDING
    problems = []
    if not np.isfinite(positions).all():
        problems.append('a position is not finite')
    if ((positions < lower) | (positions > upper)).any():
        problems.append('a position is outside its limits')
    shares = {}
    for name, values in (('velocity', velocity), ('acceleration', acceleration)):
        peak = np.abs(values).max(axis=0) / arm[name] if len(values) else np.zeros(1)
        shares[name] = float(peak.max())
        if not (peak <= 1 + ROUNDING).all():
            problems.append(f'{arm["joints"][int(peak.argmax())]}: {name} {peak.max():.3f} of max')
    return {'commands': len(positions), **shares, 'problems': problems}


def split_motions(stamps: np.ndarray, period_ns: int) -> list[slice]:
    """Where one part ends and the next begins: stamps that are not one period apart."""
    cuts = np.flatnonzero(np.diff(stamps) != period_ns) + 1
    edges = [0, *cuts.tolist(), len(stamps)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if b > a]


def check_goal(
    stamps: np.ndarray,
    positions: np.ndarray,
    arm: dict,
    measured: np.ndarray,
    at_rest: bool = True,
) -> list[dict]:
    """Reports as of :func:`check_motion` for each part of the commands of one goal.

    The first part must begin where the arm was ``measured``, every other one later than the one
    before and where that came to rest. ``at_rest`` is asked of the last part.
    """
    reports, end = [], None
    parts = split_motions(stamps, arm['period_ns'])
    for part in parts:
        rest = at_rest or part is not parts[-1]
        report = check_motion(positions[part], arm, measured, at_rest=rest)
        if end is None:
            away = np.abs(positions[part.start] - measured)
            if not (away <= BEGIN).all():
                joint = arm['joints'][int(away.argmax())]
                report['problems'].append(f'{joint}: begins {away.max():.6f} from the arm')
        else:
            if stamps[part.start] <= stamps[part.start - 1]:
                report['problems'].append('stamps stand still or go back')
            jump = np.abs(positions[part.start] - end)
            if not (jump <= SAME_PLACE).all():
                joint = arm['joints'][int(jump.argmax())]
                periods = (stamps[part.start] - stamps[part.start - 1]) / arm['period_ns']
                report['problems'].append(
                    f'{joint}: a jump of {jump.max():.6f} between two parts, {periods:.2f} '
                    'periods apart'
                )
        reports.append({**report, 'moves': bool(np.diff(positions[part], axis=0).any())})
        end = positions[part.stop - 1]
    return reports


def read_positions(
    bag: Path, topics: dict[str, list[str]]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Read the topics of a bag that carry the positions of these joints.

    Returns:
        stamps (N,) in ns, positions (N, n), and goals (N,): how many plans are older.
    """
    from rosbags.highlevel import AnyReader

    found = {topic: ([], []) for topic in (*topics, PLANS)}
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            topic = next((t for t in found if connection.topic.endswith('/' + t)), None)
            if topic is not None:
                message = reader.deserialize(data, connection.msgtype)
                stamp = message.header.stamp
                found[topic][0].append(stamp.sec * 10**9 + stamp.nanosec)
                if topic != PLANS:
                    position = dict(zip(message.name, message.position, strict=True))
                    found[topic][1].append([position[joint] for joint in topics[topic]])
    plans = np.sort(found.pop(PLANS)[0])
    return {
        topic: (np.array(stamps), np.array(positions), np.searchsorted(plans, stamps, 'right'))
        for topic, (stamps, positions) in found.items()
    }


def main() -> int:
    """Print one line of JSON per part of a goal and arm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('bag', type=Path)
    parser.add_argument('--robot', default='sim', help='shipped profile, or the path of one')
    arguments = parser.parse_args()
    path = Path(arguments.robot)
    if path.suffix not in ('.yaml', '.yml'):
        path = Path(__file__).parents[1] / 'config/robots' / f'{arguments.robot}.yaml'
    arms = read_limits(path)
    topics = {arm[topic]: arm['joints'] for arm in arms for topic in ('topic', 'measured')}
    read = read_positions(arguments.bag, topics)
    failed = found = 0
    for arm in arms:
        stamps, positions, goals = read[arm['topic']]
        times, poses, _ = read[arm['measured']]
        for goal in np.unique(goals):
            own = goals == goal
            last = np.searchsorted(times, stamps[own][0], 'right') - 1
            measured = poses[last] if last >= 0 else np.full(len(arm['joints']), np.nan)
            reports = check_goal(stamps[own], positions[own], arm, measured)
            for number, report in enumerate(reports, 1):
                name = {'goal': int(goal), 'part': number, 'parts': len(reports)}
                print(json.dumps({'topic': arm['topic'], **name, **report}))
                failed, found = failed + bool(report['problems']), found + 1
    if not found:
        print(f'{arguments.bag}: no commands', file=sys.stderr)
        return 1
    return int(failed > 0)


if __name__ == '__main__':
    sys.exit(main())
