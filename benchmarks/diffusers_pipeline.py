"""diffusers' Cosmos2VideoToWorldPipeline on a model's own weights, with its stages timed."""

from types import SimpleNamespace

import diffusers
import torch
from clock import Clock, timed
from diffusers.models.transformers import transformer_cosmos
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vag_core.model.vag import Vag, VagConfig
from vag_core.model.weights import diffusers_options


class PassThrough:
    """Stands for the guardrail, which the pipeline asks for: random weights show nothing."""

    def to(self, device):
        return self

    def check_text_safety(self, prompt):
        return True

    def check_video_safety(self, frames):
        return frames


def resize_nearest(x: Tensor, size: list[int], interpolation: str) -> Tensor:
    return F.interpolate(x, size, mode=interpolation)


def make_pipeline(model: Vag) -> diffusers.DiffusionPipeline:
    """Return diffusers' Cosmos2VideoToWorldPipeline on the model's own weights."""
    if not hasattr(transformer_cosmos, 'transforms'):
        # The class asks torchvision to shrink its constant padding mask; this does the same.
        transformer_cosmos.transforms = SimpleNamespace(
            functional=SimpleNamespace(
                resize=lambda x, size, interpolation: F.interpolate(x, size)
            ),
            InterpolationMode=SimpleNamespace(NEAREST='nearest'),
        )
    cfg, wan = model.cfg.video.network, model.cfg.vae.wan
    with torch.device('meta'):
        transformer = diffusers.CosmosTransformer3DModel(**diffusers_options(cfg))
        vae = diffusers.AutoencoderKLWan(
            base_dim=wan.base_dim, dim_mult=list(wan.dim_mult), num_res_blocks=wan.num_res_blocks
        )
    transformer.load_state_dict(model.video.network.state_dict(), assign=True)
    vae.load_state_dict(model.vae.state_dict(), assign=True)
    pipeline = diffusers.Cosmos2VideoToWorldPipeline(
        text_encoder=None,
        tokenizer=None,
        transformer=transformer.eval().requires_grad_(False),
        vae=vae.eval().requires_grad_(False),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_karras_sigmas=True),
        safety_checker=PassThrough(),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def run_pipeline(
    pipeline: diffusers.DiffusionPipeline,
    clock: Clock,
    cfg: VagConfig,
    *,
    image: Tensor,
    text: Tensor,
    noise: Tensor,
) -> Tensor:
    """Generate one clip; return its last latent."""
    latents = []

    def keep(pipe, step, t, values):
        latents[:] = [values['latents']]
        return {}

    vae = pipeline.vae
    vae.encode, vae.decode = (timed(clock, n, getattr(vae, n)) for n in ('encode', 'decode'))
    try:
        with clock.measure('whole'), clock.watch(dit=pipeline.transformer):
            pipeline(
                image=image,
                prompt_embeds=text,
                negative_prompt_embeds=torch.zeros_like(text),
                height=cfg.height,
                width=cfg.width,
                num_frames=cfg.frames,
                num_inference_steps=cfg.sampler.steps,
                guidance_scale=cfg.sampler.guidance,
                # Any other value stretches the temporal positions (diffusers issue 14768).
                fps=24,
                latents=noise,
                output_type='np',
                callback_on_step_end=keep,
            )
    finally:
        del vae.encode, vae.decode
    return latents[0]
