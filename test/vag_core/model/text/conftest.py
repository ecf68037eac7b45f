"""A T5 of a few thousand random weights and a tokenizer of a few words."""

import json

import pytest
import torch

from vag_core.model.text import TextConfig, TextKind

WORDS = ('▁pick', '▁up', '▁the', '▁red', '▁cube', '▁drawer', '▁open', 's')


@pytest.fixture(scope='session')
def t5_config():
    return TextConfig(kind=TextKind.T5, dim=16, length=12, dtype='float32')


@pytest.fixture(scope='session')
def t5_folder(tmp_path_factory):
    """diffusers' layout: text_encoder/ and tokenizer/."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import T5Config, T5EncoderModel

    folder = tmp_path_factory.mktemp('cosmos')
    torch.manual_seed(0)
    sizes = T5Config(
        vocab_size=16, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, dropout_rate=0.0
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
