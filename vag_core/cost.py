"""What one episode of a model costs: parameters, tokens, arithmetic and memory, without weights.

Everything is counted by running the model's own modules on torch's meta device, where tensors
have shapes and no values. Two floating-point operations make one multiplication with addition.
"""

import time
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vag_core.model.vae import VideoVae
from vag_core.model.vag import Vag, VagConfig

# Tensors of a token's width that are alive at once in a block without gradients: the residual
# stream, its normalised copy, queries, keys and values with their rotated fp32 halves, and the
# MLP's hidden layer.
LIVE_TENSORS = 16
# AdamW with fp32 master weights and bf16 compute: weight and gradient in bf16; weight and two
# moments in fp32.
TRAINING_BYTES = 16


@dataclass(frozen=True)
class Cost:
    """Costs of one episode (batch 1).

    Attributes:
        video_parameters, action_parameters, vae_parameters: the text encoder is not counted; what
            couples the video stream to the actions belongs to it.
        latent: frames, rows and columns.
        tokens: of the video stream.
        forward_flop: one evaluation of the video stream.
        action_flop: one evaluation of the action stream with its bridge.
        encode_flop, decode_flop: the VAE, first frame in and whole clip out.
        evaluations: of the video stream for one episode, guidance included.
        action_evaluations: of the action stream.
        activation_bytes: estimate of the video stream's working memory in bf16.
    """

    video_parameters: int
    action_parameters: int
    vae_parameters: int
    latent: tuple[int, int, int]
    tokens: int
    forward_flop: float
    action_flop: float
    encode_flop: float
    decode_flop: float
    evaluations: int
    action_evaluations: int
    activation_bytes: int

    @property
    def parameters(self) -> int:
        """Of all parts that a checkpoint holds."""
        return self.video_parameters + self.action_parameters + self.vae_parameters

    @property
    def episode_flop(self) -> float:
        """The whole generation, the text apart."""
        denoising = self.evaluations * self.forward_flop
        denoising += self.action_evaluations * self.action_flop
        return self.encode_flop + denoising + self.decode_flop

    def weight_bytes(self, element_bytes: int = 2) -> int:
        """Memory of the weights at ``element_bytes`` each."""
        return element_bytes * self.parameters

    @property
    def training_bytes(self) -> int:
        """Weights, gradients and AdamW state of both streams, all trained; no activations."""
        return TRAINING_BYTES * (self.video_parameters + self.action_parameters)


def count_parameters(module: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def video_tokens(cfg: VagConfig) -> int:
    """Return the tokens of the video stream."""
    frames, rows, columns = cfg.latent_size
    _, patch_rows, patch_columns = cfg.video.network.patch_size
    return frames * (rows // patch_rows) * (columns // patch_columns)


def activation_bytes(cfg: VagConfig, element_bytes: int = 2) -> int:
    """Estimate the video stream's working memory for one episode, without gradients."""
    return element_bytes * LIVE_TENSORS * video_tokens(cfg) * cfg.video.network.width


def cost(cfg: VagConfig) -> Cost:
    """Count what one episode of ``cfg`` costs."""
    with torch.device('meta'):
        model = Vag(cfg).eval()
        latent = torch.empty(1, cfg.vae.latent_channels, *cfg.latent_size)
        first_frame = torch.empty(1, 3, 1, cfg.height, cfg.width)
        times = torch.empty(1)
        text = torch.empty(1, cfg.text.length, cfg.text.dim)
        actions = torch.empty(1, cfg.padded_steps, cfg.action.dimension)
    evaluations = cfg.sampler.evaluations
    video = partial(model.estimate_video, actions=actions, action_times=times)
    return Cost(
        video_parameters=sum(
            count_parameters(part) for part in (model.video, model.coupling) if part is not None
        ),
        action_parameters=count_parameters(model.action),
        vae_parameters=count_parameters(model.vae),
        latent=cfg.latent_size,
        tokens=video_tokens(cfg),
        forward_flop=_flop(video, latent, times, latent[:, :, :1], text),
        action_flop=_flop(model.action, actions, times, latent, text, actions[:, 0]),
        encode_flop=_flop(model.vae.encode, first_frame),
        decode_flop=_decode_flop(model.vae, latent),
        evaluations=evaluations * (2 if cfg.sampler.extrapolation else 1),
        action_evaluations=evaluations,
        activation_bytes=activation_bytes(cfg),
    )


def matmul_rate(device: str = 'cpu', size: int = 2048, repeat: int = 5) -> float:
    """Measure the best FLOP/s of a float32 product of two (size, size) matrices."""
    left, right = (torch.randn(size, size, device=device) for _ in range(2))
    best = float('inf')
    for _ in range(repeat + 1):
        started = time.perf_counter()
        product = left @ right
        float(product[0, 0])
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def _decode_flop(vae: VideoVae, latent: torch.Tensor) -> float:
    """Count the decoding of a whole clip from that of its first frames.

    A causal decoder takes one latent frame after the other, and past the third all cost the same;
    counting each of them would take most of the time of :func:`cost`.
    """
    frames = latent.shape[2]
    if frames <= 4:
        return _flop(vae.decode, latent)
    three, four = (_flop(vae.decode, latent[:, :, :count]) for count in (3, 4))
    return three + (frames - 3) * (four - three)


def _flop(function, *arguments: torch.Tensor) -> float:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        function(*arguments)
    return float(counter.get_total_flops())
