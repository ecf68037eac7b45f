"""The direction-aware head and its parts."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from vag_core.baselines.direction import (
    DeformableConv,
    DirectionConfig,
    DirectionHead,
    rotated,
    rotated_pooling,
)
from vag_core.configuration import ConfigError


@pytest.fixture
def maps():
    return torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))


def test_a_deformable_convolution_begins_as_an_ordinary_one(maps):
    layer = DeformableConv(3, 4)
    expected = F.conv2d(maps, layer.weight, padding=1)
    torch.testing.assert_close(layer(maps), expected, atol=1e-5, rtol=1e-5)


def test_offsets_move_the_taps_by_columns_and_rows(maps):
    layer = DeformableConv(3, 4)
    with torch.no_grad():
        layer.offsets.bias[0::2] = 1.0
        layer.offsets.bias[1::2] = -2.0
    expected = F.conv2d(maps, layer.weight, padding=1).roll((2, -1), (2, 3))
    inside = (slice(None), slice(None), slice(3, 6), slice(1, 3))
    torch.testing.assert_close(layer(maps)[inside], expected[inside], atol=1e-5, rtol=1e-5)


def test_offsets_are_learned(maps):
    layer = DeformableConv(3, 4)
    layer(maps).square().mean().backward()
    assert layer.offsets.weight.grad.abs().max() > 0


def test_a_quarter_turn_of_a_square_map_permutes_its_values():
    square = torch.randn(1, 1, 6, 6)
    turned = rotated(square, 90.0)
    candidates = [torch.rot90(square, k, (2, 3)) for k in (1, 3)]
    assert any(torch.allclose(turned, expected, atol=1e-5) for expected in candidates)


def test_a_half_turn_of_any_map_reverses_it(maps):
    torch.testing.assert_close(rotated(maps, 180.0), maps.flip(2, 3), atol=1e-5, rtol=1e-5)


def test_rotating_and_pooling_is_one_matrix(maps):
    angles, pool = (0.0, 45.0, 90.0), (3, 2)
    found = (maps.flatten(2) @ rotated_pooling(7, 5, angles, pool)).unflatten(2, (3, 3, 2))
    for index, degrees in enumerate(angles):
        expected = F.adaptive_avg_pool2d(rotated(maps, degrees), pool)
        torch.testing.assert_close(found[:, :, index], expected, atol=1e-5, rtol=1e-5)


def test_a_head_can_be_trained_after_it_was_used_for_inference(maps):
    rotated_pooling.cache_clear()
    head = DirectionHead(DirectionConfig(width=2, features=4, hidden=8), 3, 6)
    with torch.inference_mode():
        assert head.eval()(maps).shape == (2, 6)
    head.train()(maps).sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_a_head_tells_directions_apart():
    torch.manual_seed(0)
    head = DirectionHead(DirectionConfig(width=4, features=8, hidden=16), 1, 1).eval()
    line = torch.zeros(1, 1, 9, 9)
    line[:, :, 4, 1:8] = 5
    assert (head(line) - head(line.transpose(2, 3))).abs().item() > 1e-3


@pytest.mark.parametrize(
    ('field', 'value'), [('angles', ()), ('dilations', ()), ('dilations', (0,)), ('pool', (0, 1))]
)
def test_sizes_without_meaning_are_refused(field, value):
    with pytest.raises(ConfigError, match=f'{field} = '):
        DirectionConfig(**{field: value})
