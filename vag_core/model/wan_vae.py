"""The Wan 2.1 VAE (diffusers' ``AutoencoderKLWan``) behind the interface of the streams."""

import torch
from torch import Tensor, nn

from vag_core.model.vae import WAN_CHANNELS, WanConfig, latent_frames

# Statistics of each latent channel, published with the weights (config.json of the vae folder of
# Wan-AI/Wan2.1-T2V-1.3B-Diffusers and of nvidia/Cosmos-Predict2-2B-Video2World).
LATENT_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
LATENT_STD = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip


class WanVae(nn.Module):
    """Wan 2.1's causal VAE; its parameters have diffusers' names, so that its weights load as
    they are.

    The latent is the posterior's mean, normalised; pixels and latents are float32 whatever the
    type of the weights. Samples of a batch are computed one after the other.
    """

    latent_channels = WAN_CHANNELS

    def __init__(self, cfg: WanConfig) -> None:
        super().__init__()
        from diffusers import AutoencoderKLWan

        network = AutoencoderKLWan(
            base_dim=cfg.base_dim,
            z_dim=WAN_CHANNELS,
            dim_mult=list(cfg.dim_mult),
            num_res_blocks=cfg.num_res_blocks,
        )
        network.enable_slicing()
        for name, part in network.named_children():
            self.add_module(name, part)
        # The parts above are the network's own; registered itself it would prefix their names.
        object.__setattr__(self, '_network', network)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.quant_conv.weight.dtype

    def encode(self, video: Tensor) -> Tensor:
        """See :meth:`VideoVae.encode`. Being causal, it is exact for the first frame alone."""
        latent_frames(video.shape[2])
        mean = self._network.encode(video.to(self.dtype)).latent_dist.mode().float()
        return (mean - _channels(LATENT_MEAN, mean)) / _channels(LATENT_STD, mean)

    def decode(self, latent: Tensor) -> Tensor:
        """See :meth:`VideoVae.decode`."""
        latent = latent.float()
        raw = latent * _channels(LATENT_STD, latent) + _channels(LATENT_MEAN, latent)
        return self._network.decode(raw.to(self.dtype)).sample.float()


def _channels(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device)[:, None, None, None]
