"""Attention kernels: the same result from each, a clear refusal where one can't run."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from vag_core.model import attention
from vag_core.model.attention import (
    Attention,
    AttentionBackend,
    AttentionUnavailableError,
    attend,
    rotate,
    set_attention,
)
from vag_core.model.dit import Dit, DitConfig


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, 10, 8, generator=generator) for _ in range(3)]


@pytest.mark.parametrize('name', ['auto', 'flash', 'math'])
def test_kernels_of_the_cpu_agree_with_softmax(tensors, name):
    query, key, value = tensors
    expected = (query @ key.transpose(-1, -2) / 8**0.5).softmax(-1) @ value
    found = attend(query, key, value, AttentionBackend(name))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_training_on_the_cpu_has_the_same_result_and_gradient(tensors):
    query, key, value = (x.clone().requires_grad_() for x in tensors)
    attend(query, key, value).square().sum().backward()
    again = [x.clone().requires_grad_() for x in tensors]
    F.scaled_dot_product_attention(*again).square().sum().backward()
    for one, other in zip((query, key, value), again, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', ['efficient', 'cudnn', 'flash3'])
@pytest.mark.filterwarnings('ignore')
def test_a_kernel_that_cannot_run_here_says_so(tensors, name):
    message = f'attention = {name}: no such kernel for cpu, torch.float32, head dimension 8'
    with pytest.raises(AttentionUnavailableError, match=message):
        attend(*tensors, AttentionBackend(name))


def test_other_errors_of_a_kernel_are_not_hidden(tensors):
    query, key, value = tensors
    with pytest.raises(RuntimeError, match='size') as error:
        attend(query, key[..., :4], value, AttentionBackend.MATH)
    assert not isinstance(error.value, AttentionUnavailableError)


@pytest.mark.parametrize('with_statistics', [False, True])
def test_flash_attention_3_gets_its_own_layout(tensors, monkeypatch, with_statistics):
    def fake(query, key, value):
        assert query.shape == (2, 10, 3, 8)
        mixed = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (query, key, value)))
        mixed = mixed.transpose(1, 2)
        return (mixed, None) if with_statistics else mixed

    monkeypatch.setattr(attention, 'flash_attention_3', fake)
    monkeypatch.setattr(attention, '_suits_hopper', lambda query: True)
    for backend in (AttentionBackend.FLASH3, AttentionBackend.AUTO):
        found = attend(*tensors, backend)
        torch.testing.assert_close(found, F.scaled_dot_product_attention(*tensors))


def test_a_back_end_is_set_on_every_attention_of_a_model():
    with torch.device('meta'):
        dit = Dit(DitConfig(num_layers=2))
    set_attention(dit, 'math')
    backends = [m.backend for m in dit.modules() if isinstance(m, Attention)]
    assert backends == [AttentionBackend.MATH] * 4


def test_flash_attention_3_is_refused_at_once_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(attention, 'flash_attention_3', None)
    with pytest.raises(AttentionUnavailableError, match='flash_attn_interface is not installed'):
        set_attention(Attention(8, 8, 2), AttentionBackend.FLASH3)


def test_an_unknown_back_end_is_refused():
    with pytest.raises(ValueError, match='flash4'):
        set_attention(Attention(8, 8, 2), 'flash4')


def test_rotation_keeps_lengths_and_depends_on_the_distance_alone():
    angles = torch.arange(5.0)[:, None] * torch.tensor([1.0, 0.1, 0.01, 0.001])
    x, y = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(2))
    x, y = (rotate(v.expand(1, 1, 5, 8), angles.cos(), angles.sin())[0, 0] for v in (x, y))
    torch.testing.assert_close(x.norm(dim=-1), x[:1].norm(dim=-1).expand(5))
    products = x @ y.T
    torch.testing.assert_close(products[1:, 1:], products[:-1, :-1])
