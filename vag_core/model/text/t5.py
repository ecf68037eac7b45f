"""The text encoder of Cosmos-Predict2: the encoder half of google-t5/t5-11b (T5 v1.0).

1024 features of 512 tokens; about 4.9 billion parameters, 9.1 GiB in bfloat16.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from vag_core.model.text.config import TextConfig
from vag_core.model.text.encoder import TextError, stack_tokens


class T5Text:
    """A T5 encoder in memory.

    As in Cosmos-Predict2 instructions are padded to ``length`` or cut, padding is masked inside
    the encoder, and what comes out past the instruction's end is zeroed.

    Args:
        cfg: sizes and dtype.
        folder: diffusers' layout with ``text_encoder/`` and ``tokenizer/``, or one folder with
            both as Hugging Face keeps a model.
        device: where it runs.

    Raises:
        TextError: the folder is no T5 of this size, or weights are missing; each is named.
    """

    def __init__(self, cfg: TextConfig, folder: Path, device: str | torch.device = 'cpu') -> None:
        from transformers import AutoTokenizer, T5EncoderModel

        from vag_core.model.text.quiet import quiet_transformers

        self.cfg, self.device = cfg, torch.device(device)
        weights, tokenizer = t5_folders(folder)
        _check_config(weights, cfg)
        with quiet_transformers():
            self._tokenizer = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
            self._model, report = T5EncoderModel.from_pretrained(
                weights,
                local_files_only=True,
                dtype=getattr(torch, cfg.dtype),
                output_loading_info=True,
            )
        if report['missing_keys']:
            raise TextError(f'{weights}: missing: {", ".join(sorted(report["missing_keys"]))}')
        self._model.to(self.device).eval()

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """See :meth:`TextEncoder.encode`."""
        return stack_tokens(self.cfg, instructions, self._tokens)

    @torch.inference_mode()
    def _tokens(self, instruction: str) -> Tensor:
        batch = self._tokenizer(
            instruction,
            padding='max_length',
            truncation=True,
            max_length=self.cfg.length,
            return_tensors='pt',
        ).to(self.device)
        tokens = self._model(batch.input_ids, attention_mask=batch.attention_mask)
        return tokens.last_hidden_state[0, : int(batch.attention_mask.sum())]


def t5_folders(folder: Path) -> tuple[Path, Path]:
    """Return the folders of weights and tokenizer in ``folder``; TextError when there are none."""
    folder = Path(folder)
    if (folder / 'text_encoder').is_dir() and (folder / 'tokenizer').is_dir():
        return folder / 'text_encoder', folder / 'tokenizer'
    if (folder / 'config.json').is_file() and (folder / 'tokenizer.json').is_file():
        return folder, folder
    raise TextError(
        f'{folder}: no T5 encoder: expected text_encoder/ and tokenizer/, '
        'or config.json and tokenizer.json'
    )


def _check_config(folder: Path, cfg: TextConfig) -> None:
    path = folder / 'config.json'
    try:
        found = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise TextError(f'{path}: not readable: {error}') from None
    if found.get('model_type') != 't5':
        raise TextError(f'{path}: model_type = {found.get("model_type")!r}: expected t5')
    if found.get('d_model') != cfg.dim:
        raise TextError(f'{path}: d_model = {found.get("d_model")}: text.dim is {cfg.dim}')
