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
    """Estimate the clean latent video from a noisy one, its first frames and the text."""

    def __init__(self, cfg: VideoConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.network = Dit(cfg.network)

    def forward(
        self,
        sample: Tensor,
        times: Tensor,
        first: Tensor,
        text: Tensor,
        places: Tensor | None = None,
    ) -> Tensor:
        """Return the clean estimate.

        Clean frames stand in the input with neither noise nor scaling, are marked in a mask
        channel, have a time of their own and are put back into the estimate (Cosmos-Predict2's
        image conditioning, or with K = 2 its video conditioning).

        Args:
            sample: (B, C, T, H, W) at flow times (B,); its first K frames are ignored.
            times: (B,).
            first: (B, C, K, H, W) clean first latent frames, as a rule one.
            text: (B, L, d).
            places: (T,) of the latent frames in the clip, where it was thinned out; its first
                frame stays.

        Returns:
            (B, C, T, H, W) float32, whatever the type of the weights; its first K frames are
            ``first``.
        """
        frames, clean = sample.shape[2], first.shape[2]
        sample, first = sample.float(), first.float()
        mask = torch.zeros(1, 1, frames, 1, 1, device=sample.device)
        mask[:, :, :clean] = 1
        per_frame = times[:, None].repeat(1, frames)
        per_frame[:, :clean] = CLEAN_TIME
        latent = torch.cat([first, sample[:, :, clean:]], dim=2)
        output = self.network(latent, per_frame, text, mask, places).float()
        if self.cfg.prediction is Prediction.VELOCITY:
            estimate = flow.clean_estimate(sample, output, times[:, None, None, None, None])
        else:
            estimate = output + first[:, :, :1] if self.cfg.residual else output
        return torch.cat([first, estimate[:, :, clean:]], dim=2)
