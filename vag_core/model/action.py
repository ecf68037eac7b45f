"""The action stream: a 1-D U-Net conditioned on the video's clean latent estimate."""

from torch import Tensor, nn

from vag_core import flow
from vag_core.configuration import ConfigError, config
from vag_core.model.bridge import BridgeConfig, make_bridge
from vag_core.model.unet1d import Unet1d, UnetConfig
from vag_core.model.video import Prediction


@config
class ActionConfig:
    """The action stream.

    Attributes:
        dimension: D of the actions.
        network: its U-Net.
        bridge: what it sees of the video stream.
        prediction: meaning of the network's output.
        guided_bridge: under guidance the bridge sees the guided video estimate, which the sampler
            integrates; otherwise the conditional one, which it was trained on.
    """

    dimension: int
    network: UnetConfig = UnetConfig()
    bridge: BridgeConfig = BridgeConfig()
    prediction: Prediction = Prediction.VELOCITY
    guided_bridge: bool = True

    def validate(self) -> None:
        """Raise ConfigError without at least one action dimension."""
        if self.dimension < 1:
            raise ConfigError(f'dimension = {self.dimension}: must be at least 1')


class ActionStream(nn.Module):
    """Estimate the clean action sequence from a noisy one and the video's clean latent."""

    def __init__(self, cfg: ActionConfig, latent_channels: int) -> None:
        super().__init__()
        self.cfg = cfg
        self.bridge = make_bridge(cfg.bridge, latent_channels)
        self.network = Unet1d(
            cfg.network, cfg.dimension, self.bridge.global_dim, self.bridge.aligned_dim
        )

    def forward(self, sample: Tensor, times: Tensor, video: Tensor) -> Tensor:
        """Return the clean estimate.

        Args:
            sample: (B, T, D) at flow times (B,); T a multiple of the network's ``step_multiple``.
            times: (B,).
            video: (B, C, T', H, W) clean latent estimate; no gradient flows into it.

        Returns:
            (B, T, D) float32.
        """
        conditions = self.bridge(video, sample.shape[1])
        output = self.network(sample, times, *conditions).float()
        if self.cfg.prediction is Prediction.VELOCITY:
            return flow.clean_estimate(sample, output, times[:, None, None])
        return output
