"""How a generated episode was made: checkpoint, sampler, device and versions; JSON values only."""

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from vag_core import resources

if TYPE_CHECKING:
    import torch

    from vag_core.checkpoint import Checkpoint
    from vag_core.generate import Generated, Request


def of_generation(
    checkpoint: 'Checkpoint', request: 'Request', generated: 'Generated'
) -> dict[str, Any]:
    """Return what the model's side knows of an episode."""
    from vag_core.generate import sampler_of

    sampler = sampler_of(checkpoint.config.model.sampler, request)
    start = request.start_state
    return {
        'source': 'generated',
        'checkpoint': checkpoint.name,
        'checkpoint_hash': checkpoint.hash,
        'evaluation': checkpoint.evaluation,
        'seed': request.seed,
        'steps': sampler.steps,
        'guidance': sampler.guidance,
        'guidance_form': sampler.guidance_form.value,
        'solver': sampler.solver.value,
        'negative': sampler.negative,
        'start_state': None if start is None else [float(value) for value in start],
        'timings_s': {stage: round(seconds, 4) for stage, seconds in generated.timings.items()},
        'device': describe_device(checkpoint.model.device),
        'dtype': str(checkpoint.dtype).removeprefix('torch.'),
        'versions': versions('torch', 'numpy'),
    }


def describe_device(device: 'torch.device') -> str:
    """Return the kind of a device, of a GPU with its model."""
    import torch

    if device.type == 'cuda':
        return f'cuda ({torch.cuda.get_device_name(device)})'
    return device.type


def versions(*distributions: str) -> dict[str, str]:
    """Return the versions of this package, of Python and of the named distributions."""
    try:
        package = ElementTree.parse(resources.find('package.xml')).findtext('version', '')
    except FileNotFoundError:
        package = metadata.version('vag-core')
    return {
        'vag': package,
        'python': platform.python_version(),
        **{name: metadata.version(name) for name in distributions},
    }
