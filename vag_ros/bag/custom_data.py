"""What a bag says of its episode in ``custom_data``: strings, their keys begin with ``vag.``."""

import json

from vag_core.provenance import versions
from vag_core.robot import RobotProfile
from vag_ros.msg import ClampReport, Episode, ReplayState
from vag_ros.provenance import profile_hash

EPISODE_ID = 'vag.episode_id'
INSTRUCTION = 'vag.instruction'
ROBOT_PROFILE = 'vag.robot_profile'


def of_robot(profile: RobotProfile) -> dict[str, str]:
    """Return the robot's name, hash and joints, and the versions of the software."""
    return {
        ROBOT_PROFILE: profile.name,
        'vag.robot_profile_hash': profile_hash(profile),
        'vag.joint_names': json.dumps(profile.joint_names),
        'vag.versions': json.dumps(versions('mcap', 'numpy', 'rclpy')),
    }


def of_episode(message: Episode) -> dict[str, str]:
    """Return what identifies and reproduces a generated episode."""
    return {
        EPISODE_ID: message.episode_id,
        INSTRUCTION: message.instruction,
        'vag.seed': str(message.seed),
        'vag.embodiment': message.embodiment,
        'vag.checkpoint': message.checkpoint,
        'vag.checkpoint_hash': message.checkpoint_hash,
        'vag.evaluation': message.evaluation,
        'vag.fps': repr(message.fps),
    }


def of_clamp_report(report: ClampReport) -> dict[str, str]:
    """Return what the planner changed; clamps by joint name, joints without any left out."""
    clamps = dict(zip(report.joint_names, map(int, report.position_clamps), strict=False))
    return {
        'vag.plan_id': report.plan_id,
        'vag.time_scale': repr(report.time_scale),
        'vag.position_clamps': json.dumps({name: n for name, n in clamps.items() if n}),
        'vag.saturated_commands': str(report.saturated_commands),
        'vag.clearance_checked': json.dumps(report.clearance_checked),
        'vag.min_distance': repr(report.min_distance),
    }


def of_replay(state: ReplayState) -> dict[str, str]:
    """Return how the replay ended."""
    return {
        'vag.replay_error_code': str(state.last_error_code),
        'vag.replay_error_string': state.last_error_string,
        'vag.commands_sent': str(state.commands_sent),
        'vag.late_ticks': str(state.late_ticks),
        'vag.delay_s': repr(state.delay),
        'vag.dry_run': json.dumps(state.dry_run),
    }
