"""From the video stream's clean latent estimate to the condition of the action stream.

Every bridge maps (B, C, T', H, W) and a number of action steps to a pair: a global condition
(B, global_dim) and a condition per step (B, steps, aligned_dim), either of which may be None, its
length 0. The latent is detached: the action loss never reaches the video stream.
"""

from torch import nn

from vag_core.model.bridge.aligned_bridge import AlignedBridge
from vag_core.model.bridge.attention_bridge import AttentionBridge
from vag_core.model.bridge.config import BridgeConfig, BridgeKind
from vag_core.model.bridge.frames_bridge import FramesBridge
from vag_core.model.bridge.global_bridge import GlobalBridge
from vag_core.model.bridge.grid_bridge import GridBridge

CLASSES = {
    BridgeKind.GLOBAL: GlobalBridge,
    BridgeKind.GRID: GridBridge,
    BridgeKind.ATTENTION: AttentionBridge,
    BridgeKind.FRAMES: FramesBridge,
    BridgeKind.ALIGNED: AlignedBridge,
}


def make_bridge(cfg: BridgeConfig, latent_channels: int) -> nn.Module:
    """Build the bridge that ``cfg.kind`` names."""
    return CLASSES[cfg.kind](cfg, latent_channels)
