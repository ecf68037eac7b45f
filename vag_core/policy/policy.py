"""A trained policy: one folder on disk, and a function from what is there to what comes next.

``config.yaml`` holds the sizes, the embodiment and the normalisers, ``policy.safetensors`` the
weights.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vag_core.checkpoint import CONFIG_FILE, hash_folder, read_part, write_config, write_part
from vag_core.configuration import ConfigError, config, load
from vag_core.embodiment import ActionSpace, Embodiment
from vag_core.files import new_folder
from vag_core.model.image_fit import fit_image
from vag_core.model.normaliser import Normaliser
from vag_core.model.text import TextEncoder, make_text
from vag_core.policy.config import PolicyConfig
from vag_core.policy.network import BehaviourCloning, sentence_features

SCHEMA_VERSION = 1
PART = 'policy'


@config
class PolicyFolder:
    """What ``config.yaml`` holds.

    Attributes:
        schema_version: of this layout.
        policy: sizes.
        embodiment: meaning of the action dimensions, which are absolute joint positions.
        states, targets: normalisers of the joint state and of what the network predicts.
        camera: key of the camera that it was trained on.
        fps: rate of the actions, Hz.
        provenance: how it was made; JSON values only.
    """

    schema_version: int = SCHEMA_VERSION
    policy: PolicyConfig
    embodiment: Embodiment
    states: Normaliser
    targets: Normaliser
    camera: str
    fps: float
    provenance: dict[str, Any] = field(default_factory=dict)

    def validate(self) -> None:
        """Raise ConfigError where dimensions disagree or the layout is another one."""
        if self.schema_version != SCHEMA_VERSION:
            raise ConfigError(
                f'schema_version = {self.schema_version}: this release reads {SCHEMA_VERSION}'
            )
        dimension = self.policy.action.dimension
        for part, length in (
            ('embodiment', self.embodiment.dimension),
            ('states', len(self.states.mean)),
            ('targets', len(self.targets.mean)),
        ):
            if length != dimension:
                raise ConfigError(f'{part}: {length} dimensions, policy.action has {dimension}')
        space = self.embodiment.action_space
        if space is not ActionSpace.JOINT_POSITION:
            raise ConfigError(
                f'embodiment {self.embodiment.name}: action_space = {space.value}, a policy '
                'needs joint_position'
            )
        if not self.fps > 0:
            raise ConfigError(f'fps = {self.fps}: must be positive')


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy in memory, in evaluation mode on the CPU.

    Attributes:
        config: of its folder.
        network: with its weights.
        text: its sentence encoder.
        name, hash: of the folder; see :func:`vag_core.checkpoint.hash_folder`.
    """

    config: PolicyFolder
    network: BehaviourCloning
    text: TextEncoder
    name: str
    hash: str
    _sentences: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def execute(self) -> int:
        """Actions that are carried out before the next look."""
        return self.config.policy.action.execute

    @torch.inference_mode()
    def act(self, image: np.ndarray, state: np.ndarray, instruction: str) -> np.ndarray:
        """Return the next actions, the first of them due one step from now.

        Args:
            image: (H, W, 3) uint8 RGB of any size.
            state: (D,) joint positions in the embodiment's units.
            instruction: what the robot shall do.

        Returns:
            (chunk, D) float32 in the embodiment's units.
        """
        cfg = self.config.policy
        pixels = fit_image(image, cfg.height, cfg.width, cfg.image_fit)
        seen = torch.from_numpy(pixels).movedim(-1, 0)[None]
        felt = torch.from_numpy(self.config.states.normalise(state))[None]
        # The sentence stays while the policy acts; its encoder is larger than the network.
        if instruction not in self._sentences:
            self._sentences[instruction] = sentence_features(self.text.encode([instruction]))
        said = self._sentences[instruction]
        found = self.config.targets.restore(self.network(seen, felt, said)[0].numpy())
        return (found + state * cfg.action.relative).astype(np.float32)


def save_policy(folder: Path, cfg: PolicyFolder, network: BehaviourCloning) -> Path:
    """Write a policy to the new ``folder`` and return it; FileExistsError if it is there."""
    with new_folder(Path(folder)) as partial:
        write_config(partial, cfg)
        write_part(partial, PART, network, torch.float32)
    return Path(folder)


def load_policy(folder: Path) -> Policy:
    """Load a policy's folder.

    Raises:
        ConfigError: it has no configuration, or a wrong one; file, field and value are named.
        CheckpointError: weights are missing, unexpected or of another shape.
    """
    folder = Path(folder).resolve()
    cfg = load(PolicyFolder, folder / CONFIG_FILE)
    network = BehaviourCloning(cfg.policy)
    network.load_state_dict(read_part(PART, network, folder / f'{PART}.safetensors'))
    text = make_text(cfg.policy.text)
    return Policy(cfg, network.eval(), text, folder.name, hash_folder(folder))
