"""Low-rank adapters on the video stream (LoRA, arXiv 2106.09685), through peft."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vag_core.configuration import ConfigError, config

# Cosmos-Predict2's own choice: queries, keys, values, outputs and both layers of the MLP.
TARGETS = ('to_q', 'to_k', 'to_v', 'to_out.0', 'ff.net.0.proj', 'ff.net.2')


@config
class LoraConfig:
    """Size of the adapters; the update of a weight is ``alpha / rank * B A``.

    Attributes:
        rank, alpha: 16 and 16 as in Cosmos-Predict2.
        targets: ends of the names of the linear layers that get one.
    """

    rank: int = 16
    alpha: float = 16.0
    targets: tuple[str, ...] = TARGETS

    def validate(self) -> None:
        """Raise ConfigError for an adapter of nothing."""
        if self.rank < 1:
            raise ConfigError(f'rank = {self.rank}: must be at least 1')
        if not self.alpha > 0:
            raise ConfigError(f'alpha = {self.alpha}: must be positive')
        if not self.targets:
            raise ConfigError('targets: at least one is needed')


def _peft_config(cfg: LoraConfig):
    from peft import LoraConfig as PeftConfig

    return PeftConfig(
        r=cfg.rank, lora_alpha=cfg.alpha, target_modules=list(cfg.targets), bias='none'
    )


def add_adapters(network: nn.Module, cfg: LoraConfig, generator_seed: int) -> None:
    """Put adapters into ``network``, whose own weights no longer train; nothing changes yet."""
    from peft import inject_adapter_in_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator_seed)
        inject_adapter_in_model(_peft_config(cfg), network)


def merge_adapters(network: nn.Module) -> None:
    """Add the adapters' products to the weights and take the adapters out again."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(network.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, child = name.rpartition('.')
            setattr(network.get_submodule(parent), child, module.get_base_layer())
    network.requires_grad_(True)


def save_adapter(folder: Path, cfg: LoraConfig, weights: dict[str, Tensor]) -> None:
    """Write adapters as peft and diffusers read them.

    Args:
        folder: gets ``adapter_config.json`` and ``adapter_model.safetensors``.
        cfg: their size.
        weights: by parameter name in the network.
    """
    _peft_config(cfg).save_pretrained(folder)
    named = {
        f'base_model.model.{name.replace(".default.", ".")}': value.contiguous()
        for name, value in weights.items()
    }
    save_file(named, folder / 'adapter_model.safetensors')
