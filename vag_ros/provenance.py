"""How an episode was made: what the model's side knows, its image and the robot profile."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from vag_core import provenance
from vag_core.configuration import to_mapping
from vag_core.robot import RobotProfile
from vag_ros.generation_goal import GenerationJob

if TYPE_CHECKING:
    from vag_core.checkpoint import Checkpoint
    from vag_core.generate import Generated


def of_generation(
    job: GenerationJob, generated: 'Generated', checkpoint: 'Checkpoint', profile: RobotProfile
) -> dict[str, Any]:
    """Return the provenance of a generated episode; JSON values only."""
    return {
        **provenance.of_generation(checkpoint, job.request, generated),
        'image_topic': job.conditioning.source,
        'robot_profile': profile.name,
        'robot_profile_hash': profile_hash(profile),
    }


def profile_hash(profile: RobotProfile) -> str:
    """Return the SHA-256 of a profile's values, hexadecimal; comments in its file don't count."""
    content = json.dumps(to_mapping(profile), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
