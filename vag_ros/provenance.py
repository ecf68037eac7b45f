"""How an episode was made: model, sampler, inputs, robot profile and versions of the software."""

import hashlib
import json
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from vag_core import resources
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
    sampler = checkpoint.config.model.sampler
    return {
        'source': 'generated',
        'checkpoint': checkpoint.name,
        'checkpoint_hash': checkpoint.hash,
        'evaluation': checkpoint.evaluation,
        'seed': job.seed,
        'steps': job.steps or sampler.steps,
        'guidance': sampler.guidance if job.guidance is None else job.guidance,
        'solver': sampler.solver.value,
        'timings_s': {stage: round(seconds, 4) for stage, seconds in generated.timings.items()},
        'image_topic': job.conditioning.source,
        'robot_profile': profile.name,
        'robot_profile_hash': profile_hash(profile),
        'versions': versions('torch', 'numpy'),
    }


def versions(*distributions: str) -> dict[str, str]:
    """Return the versions of this package, of Python and of the named distributions."""
    package = ElementTree.parse(resources.find('package.xml'))
    return {
        'vag': package.findtext('version', ''),
        'python': platform.python_version(),
        **{name: metadata.version(name) for name in distributions},
    }


def profile_hash(profile: RobotProfile) -> str:
    """Return the SHA-256 of a profile's values, hexadecimal; comments in its file don't count."""
    content = json.dumps(to_mapping(profile), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
