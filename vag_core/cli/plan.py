"""``vag plan``: check and time a trajectory as the replay server does, without a robot."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from vag_core.configuration import ConfigError
from vag_core.robot import RobotProfile, load_profile
from vag_core.safety.clearance import Clearance, known_clearance
from vag_core.safety.outcome import Refusal
from vag_core.safety.plan import Plan, make_plan
from vag_core.safety.request import TrajectoryRequest

SUMMARY = 'check, time and draw a trajectory as the replay server would; nothing moves'
ACCEPTED, UNUSABLE, REFUSED = 0, 2, 3
# What an episode folder calls its numbers.
ARRAYS = 'arrays.npz'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--robot', default='sim', help='robot profile, name or YAML file (default: sim)'
    )
    parser.add_argument(
        '--actions',
        type=Path,
        required=True,
        help='episode folder, or (T, D) positions in rad and m (.npy) in joint order',
    )
    parser.add_argument(
        '--fps', type=float, default=10.0, help='rate of the actions, Hz (default: 10)'
    )
    parser.add_argument(
        '--start',
        type=Path,
        help='(D,) measured pose (.npy); default: the first action, so that there is no approach',
    )
    parser.add_argument('--rate', type=float, help='command rate, Hz; default: of the robot')
    parser.add_argument('--out', type=Path, help='write the plan to this .npz')
    parser.add_argument('--draw', type=Path, help='write a picture of the plan to this .png')
    parser.add_argument('--json', action='store_true', help='print one JSON object instead')


def run(args: argparse.Namespace) -> int:
    """Plan, print the verdict and return 0 accepted, 3 refused, 2 unusable input."""
    try:
        profile = load_profile(args.robot)
        if args.rate is not None:
            profile = dataclasses.replace(profile, command_rate_hz=args.rate)
        request, measured = _request(args, profile)
    except (ConfigError, ValueError, OSError) as error:
        print(f'vag plan: {error}', file=sys.stderr)
        return UNUSABLE
    clearance = known_clearance(profile)
    needed = profile.safety.clearance_required
    if clearance is None:
        safety = dataclasses.replace(profile.safety, clearance_required=False)
        profile = dataclasses.replace(profile, safety=safety)
    result = make_plan(request, profile, measured, clearance)
    verdict = _verdict(result, profile, clearance)
    if args.json:
        print(json.dumps(verdict, indent=2))
    else:
        _print(verdict)
    if clearance is None and needed:
        print(
            f'clearance is not checked: nobody here knows the geometry of robot {profile.name}, '
            'and its replay server refuses to move without',
            file=sys.stderr,
        )
    if isinstance(result, Refusal):
        return REFUSED
    if args.out:
        np.savez_compressed(args.out, joint_names=profile.joint_names, **_arrays(result))
    if args.draw:
        from vag_core.safety.draw import draw_plan

        title = f'{args.actions.name} on {profile.name}, {result.time_scale:.3f} times slower'
        draw_plan(result, request, profile, args.draw, title)
    return ACCEPTED


def _request(
    args: argparse.Namespace, profile: RobotProfile
) -> tuple[TrajectoryRequest, np.ndarray]:
    """Read the actions and the measured pose; values are judged by the planner, shapes here."""
    joints = len(profile.joint_names)
    if not (np.isfinite(args.fps) and args.fps > 0):
        raise ValueError(f'--fps = {args.fps}: must be finite and positive')
    actions = _array(args.actions)
    if actions.ndim != 2 or actions.shape[1] != joints or not len(actions):
        raise ValueError(
            f'{args.actions}: shape {actions.shape}, robot {profile.name} needs (T, {joints})'
        )
    measured = np.clip(actions[0], profile.lower, profile.upper)
    if args.start is not None:
        measured = _array(args.start)
        if measured.shape != (joints,):
            raise ValueError(
                f'{args.start}: shape {measured.shape}, robot {profile.name} needs ({joints},)'
            )
    times = (np.arange(len(actions)) / args.fps).tolist()
    return TrajectoryRequest(profile.joint_names, actions.tolist(), times), measured


def _array(path: Path) -> np.ndarray:
    array = np.load(path / ARRAYS if path.is_dir() else path, allow_pickle=False)
    if isinstance(array, np.lib.npyio.NpzFile) and 'actions' in array:
        array = array['actions']
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'fiu':
        raise ValueError(f'{path}: holds no array of numbers')
    return array.astype(float)


def _verdict(
    result: Plan | Refusal, profile: RobotProfile, clearance: Clearance | None
) -> dict[str, object]:
    refused = isinstance(result, Refusal)
    verdict = {
        'accepted': not refused,
        'robot': profile.name,
        'rate_hz': profile.command_rate_hz,
        'code': result.code.name if refused else 'SUCCESSFUL',
        'reason': result.message if refused else '',
        'joint': (result.joint or None) if refused else None,
        'index': result.index if refused else None,
        'value': result.value if refused else None,
        'limit': result.limit if refused else None,
        'clearance': 'not_checked' if clearance is None else 'checked',
        'min_distance': None,
        'min_distance_bodies': None,
        'min_distance_time': None,
        'time_scale': None,
        'approach_duration': None,
        'duration': None,
        'clamps': None,
    }
    if refused:
        return verdict
    if result.min_distance is not None:
        verdict['min_distance'] = result.min_distance
        verdict['min_distance_bodies'] = list(result.min_distance_bodies)
        verdict['min_distance_time'] = result.min_distance_tick * result.period
    verdict['time_scale'] = result.time_scale
    verdict['approach_duration'] = result.approach_duration
    verdict['duration'] = result.motion_duration
    verdict['clamps'] = {
        name: {'points': int(count), 'largest': float(largest)}
        for name, count, largest in zip(
            profile.joint_names, result.clamps, result.largest_clamp, strict=True
        )
        if count
    }
    return verdict


def _print(verdict: dict[str, object]) -> None:
    for key, value in verdict.items():
        if value not in (None, '', {}):
            print(f'{key:20} {value}')


def _arrays(plan: Plan) -> dict[str, object]:
    fields = {f.name: getattr(plan, f.name) for f in dataclasses.fields(plan)}
    return {'times': plan.times, **{k: v for k, v in fields.items() if v is not None}}
