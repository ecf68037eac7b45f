"""A T5 of a few thousand random weights and a tokenizer of a few words."""

import json
from pathlib import Path

import torch

WORDS = ('▁pick', '▁up', '▁the', '▁red', '▁cube', '▁drawer', '▁open', 's')


def write_t5(folder: Path, width: int) -> Path:
    """Write ``text_encoder/`` and ``tokenizer/``, diffusers' layout, below ``folder``."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    sizes = T5Config(
        vocab_size=16, d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=2, dropout_rate=0.0
    )
    T5EncoderModel(sizes).save_pretrained(folder / 'text_encoder')
    vocabulary = [('<pad>', 0.0), ('</s>', 0.0), ('<unk>', 0.0), *((w, -2.0) for w in WORDS)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single='$A </s>', special_tokens=[('</s>', 1)]
    )
    (folder / 'tokenizer').mkdir()
    tokenizer.save(str(folder / 'tokenizer' / 'tokenizer.json'))
    about = {
        'tokenizer_class': 'PreTrainedTokenizerFast',
        'pad_token': '<pad>',
        'eos_token': '</s>',
        'unk_token': '<unk>',
    }
    (folder / 'tokenizer' / 'tokenizer_config.json').write_text(json.dumps(about))
    return folder
