"""The text encoder of Cosmos-Predict2: the encoder half of google-t5/t5-11b (T5 v1.0).

1024 features of 512 tokens; about 4.9 billion parameters, 9.1 GiB in bfloat16.
"""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vag_core.model.text.config import TextConfig
from vag_core.model.text.encoder import TextError, stack_tokens
from vag_core.weights_reference import model_files

PAD = '<pad>'


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
        from transformers import T5EncoderModel

        from vag_core.model.text.quiet import quiet_transformers

        self.cfg, self.device = cfg, torch.device(device)
        weights, tokenizer = t5_folders(folder)
        _check_config(weights, cfg)
        with quiet_transformers():
            self._model, report = T5EncoderModel.from_pretrained(
                weights,
                local_files_only=True,
                dtype=getattr(torch, cfg.dtype),
                output_loading_info=True,
            )
        if report['missing_keys']:
            raise TextError(f'{weights}: missing: {", ".join(sorted(report["missing_keys"]))}')
        self._model.to(self.device).eval()
        self._tokenizer = _tokenizer(tokenizer / 'tokenizer.json', cfg.length)

    def encode(self, instructions: Sequence[str]) -> Tensor:
        """See :meth:`TextEncoder.encode`."""
        return stack_tokens(self.cfg, instructions, self._tokens)

    @torch.inference_mode()
    def _tokens(self, instruction: str) -> Tensor:
        encoding = self._tokenizer.encode(instruction)
        ids, mask = (
            torch.tensor([values], device=self.device)
            for values in (encoding.ids, encoding.attention_mask)
        )
        tokens = self._model(ids, attention_mask=mask).last_hidden_state[0]
        return tokens[: sum(encoding.attention_mask)]


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


def _tokenizer(path: Path, length: int):
    """Return the tokenizer exactly as its file has it, padding to ``length`` or cutting there.

    transformers' own class for T5 makes it anew from the vocabulary, without the normaliser.
    """
    from tokenizers import Tokenizer

    if not path.is_file():
        raise TextError(f'{path}: missing')
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        raise TextError(f'{path}: {error}') from None
    pad = tokenizer.token_to_id(PAD)
    if pad is None:
        raise TextError(f'{path}: has no token {PAD}')
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=pad, pad_token=PAD)
    return tokenizer


def check_t5(cfg: TextConfig, folder: Path) -> tuple[int, list[Path]]:
    """Compare what a folder holds with T5's own configuration there, without loading it.

    Returns:
        The number of parameters, and every file that the encoder is made of.

    Raises:
        TextError: as :class:`T5Text`.
    """
    from transformers import T5Config, T5EncoderModel

    weights, tokenizer = t5_folders(folder)
    _check_config(weights, cfg)
    _tokenizer(tokenizer / 'tokenizer.json', cfg.length)
    files = sorted({*model_files(weights), *model_files(tokenizer)})
    with torch.device('meta'):
        model = T5EncoderModel(T5Config.from_pretrained(weights, local_files_only=True))
    # The encoder's embedding is the shared one.
    expected = {k: v.shape for k, v in model.state_dict().items() if 'embed_tokens' not in k}
    found = _shapes(files)
    wrong = [f'{key}: missing' for key in expected if key not in found]
    wrong += [
        f'{key}: shape {tuple(found[key])}, expected {tuple(shape)}'
        for key, shape in expected.items()
        if key in found and tuple(found[key]) != tuple(shape)
    ]
    if wrong:
        raise TextError(f'{weights}: ' + '; '.join(wrong))
    return sum(parameter.numel() for parameter in model.parameters()), files


def _shapes(files: list[Path]) -> dict[str, Sequence[int]]:
    """Return the shape of every tensor, read from the headers."""
    shapes: dict[str, Sequence[int]] = {}
    for file in files:
        try:
            if file.suffix == '.safetensors':
                with safe_open(file, 'pt') as opened:
                    keys = opened.keys()
                    shapes |= {key: opened.get_slice(key).get_shape() for key in keys}
            elif file.suffix in ('.bin', '.pt'):
                weights = torch.load(file, map_location='meta', weights_only=True, mmap=True)
                shapes |= {key: value.shape for key, value in weights.items()}
        except (SafetensorError, pickle.UnpicklingError, RuntimeError) as error:
            raise TextError(f'{file}: {error}') from error
    return shapes


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
