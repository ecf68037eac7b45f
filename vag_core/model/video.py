"""The video stream: a DiT, conditioned on the clean first latent frame, as a clean-sample
estimator."""

import enum

import torch
from torch import Tensor, nn

from vag_core import flow
from vag_core.configuration import ConfigError, config
from vag_core.model.dit import Dit, DitConfig

# Time of the clean frames: sigma 1e-4, as in Cosmos-Predict2.
CLEAN_TIME = float(flow.sigma_to_t(1e-4))


class Prediction(enum.Enum):
    """What a network's output means: the flow velocity, or the clean sample itself.

    A small network whose patches are as large as its width can't carry the noise through to a
    velocity; predicting the clean sample asks it for the signal alone.
    """

    VELOCITY = 'velocity'
    CLEAN = 'clean'


@config
class VideoConfig:
    """The video stream.

    Attributes:
        network: its transformer.
        prediction: meaning of the network's output.
        residual: the clean prediction is relative to the first latent frame.
    """

    network: DitConfig = DitConfig()
    prediction: Prediction = Prediction.VELOCITY
    residual: bool = False

    def validate(self) -> None:
        """Raise ConfigError for a residual velocity, which has no meaning."""
        if self.residual and self.prediction is not Prediction.CLEAN:
            raise ConfigError('residual = true: needs prediction = clean')


class VideoStream(nn.Module):
    """Estimate the clean latent video from a noisy one, its first frame and the text."""

    def __init__(self, cfg: VideoConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.network = Dit(cfg.network)

    def forward(self, sample: Tensor, times: Tensor, first: Tensor, text: Tensor) -> Tensor:
        """Return the clean estimate.

        The clean frame stands in the input with neither noise nor scaling, has a time of its own
        and is put back into the estimate (Cosmos-Predict2's image conditioning).

        Args:
            sample: (B, C, T, H, W) at flow times (B,); its frame 0 is ignored.
            times: (B,).
            first: (B, C, 1, H, W) clean first latent frame.
            text: (B, L, d).

        Returns:
            (B, C, T, H, W) float32; frame 0 is ``first``.
        """
        frames = sample.shape[2]
        mask = torch.zeros(1, 1, frames, 1, 1, dtype=sample.dtype, device=sample.device)
        mask[:, :, 0] = 1
        per_frame = times[:, None].repeat(1, frames)
        per_frame[:, 0] = CLEAN_TIME
        latent = torch.cat([first, sample[:, :, 1:]], dim=2)
        output = self.network(latent, per_frame, text, mask).float()
        if self.cfg.prediction is Prediction.VELOCITY:
            estimate = flow.clean_estimate(sample, output, times[:, None, None, None, None])
        else:
            estimate = output + first if self.cfg.residual else output
        return torch.cat([first, estimate[:, :, 1:]], dim=2)
