"""A small T5 on disk."""

import pytest
from tiny_t5 import write_t5

from vag_core.model.text import TextConfig, TextKind


@pytest.fixture(scope='session')
def t5_config():
    return TextConfig(kind=TextKind.T5, dim=16, length=12, dtype='float32')


@pytest.fixture(scope='session')
def t5_folder(tmp_path_factory):
    return write_t5(tmp_path_factory.mktemp('cosmos'), width=16)
