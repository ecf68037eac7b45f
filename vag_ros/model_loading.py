"""Load a checkpoint whose actions a robot can execute."""

from typing import TYPE_CHECKING

from vag_core.robot import RobotProfile

if TYPE_CHECKING:
    from vag_core.checkpoint import Checkpoint


def prepare_device(device: str, threads: int) -> str:
    """Return ``device``, for ``auto`` the GPU where there is one; 0 threads: as torch likes."""
    import torch

    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    if threads:
        torch.set_num_threads(threads)
    return device


def load_for_robot(name: str, device: str, profile: RobotProfile) -> 'Checkpoint':
    """Load a checkpoint by its shipped name or folder.

    Raises:
        ValueError: its embodiment is not the one that ``profile`` executes.
        Exception: as :func:`vag_core.checkpoint.load_checkpoint`.
    """
    from vag_core.checkpoint import load_checkpoint
    from vag_core.model.text import TextKind

    checkpoint = load_checkpoint(name, device)
    embodiment = checkpoint.embodiment
    if embodiment.name != profile.embodiment:
        raise ValueError(
            f'embodiment = {embodiment.name!r}: robot {profile.name} executes '
            f'{profile.embodiment!r}'
        )
    if embodiment.dimension != len(profile.joint_names):
        raise ValueError(
            f'embodiment {embodiment.name}: {embodiment.dimension} action dimensions, '
            f'robot {profile.name} has {len(profile.joint_names)} joints'
        )
    if checkpoint.config.model.text.kind is TextKind.SENTENCE:
        # It loads when first used: not while somebody waits for an episode.
        checkpoint.model.encode_text(['ready'])
    return checkpoint
