"""What the action stream sees of the video latent."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core.configuration import ConfigError
from vag_core.model.bridge import BridgeConfig, BridgeKind, make_bridge
from vag_core.model.bridge.config import Expansion, Pooling

SMALL = BridgeConfig(
    pool_size=(2, 3, 2), global_dim=210, grid=(2, 3), channels=8, queries=2, heads=2
)


def of_kind(kind, **changes):
    torch.manual_seed(0)
    return make_bridge(dataclasses.replace(SMALL, kind=kind, **changes), 16)


def paper(**changes):
    return make_bridge(BridgeConfig(**changes), 16)


def test_the_paper_s_bridge_is_the_mean_tiled_to_132_without_a_parameter():
    latent = torch.randn(2, 16, 5, 4, 6)
    bridge = paper()
    condition, aligned = bridge(latent, 20)
    assert aligned is None
    expected = latent.mean((2, 3, 4))[:, [i % 16 for i in range(132)]]
    torch.testing.assert_close(condition, expected)
    assert list(bridge.parameters()) == []


def test_the_maximum_can_be_pooled_instead():
    latent = torch.randn(2, 16, 5, 4, 6)
    condition, _ = paper(pooling=Pooling.MAXIMUM)(latent, 20)
    assert torch.equal(condition[:, :16], latent.amax((2, 3, 4)))


@pytest.mark.parametrize('kind', [BridgeKind.GLOBAL, BridgeKind.GRID, BridgeKind.ATTENTION])
def test_the_clean_frame_can_be_left_out_of_the_pooling(kind):
    latent = torch.randn(1, 16, 5, 4, 6)
    changed = latent.clone()
    changed[:, :, 0] += 7
    for generated_only in (False, True):
        bridge = of_kind(kind, generated_only=generated_only)
        same = torch.equal(bridge(latent, 20)[0], bridge(changed, 20)[0])
        assert same == generated_only


def test_a_larger_pool_keeps_its_cells():
    latent = torch.randn(1, 16, 4, 6, 4)
    condition, _ = paper(pool_size=(2, 1, 1), expansion=Expansion.NONE)(latent, 16)
    halves = torch.stack([latent[:, :, :2].mean((2, 3, 4)), latent[:, :, 2:].mean((2, 3, 4))], -1)
    torch.testing.assert_close(condition, halves.flatten(1))


@pytest.mark.parametrize(
    ('expansion', 'length', 'parameters'),
    [(Expansion.TILE, 132, 0), (Expansion.NONE, 16, 0), (Expansion.LEARNED, 132, 17 * 132)],
)
def test_an_expansion_has_its_length_and_its_parameters(expansion, length, parameters):
    bridge = paper(expansion=expansion)
    assert bridge.global_dim == length
    assert bridge(torch.randn(2, 16, 5, 4, 6), 20)[0].shape == (2, length)
    assert sum(p.numel() for p in bridge.parameters()) == parameters


def test_frames_are_the_spatial_mean_of_every_latent_frame_at_its_centre():
    latent = torch.randn(2, 16, 6, 4, 6)
    bridge = of_kind(BridgeKind.FRAMES)
    condition, aligned = bridge(latent, 24)
    assert condition is None
    mean = latent.mean((3, 4))
    torch.testing.assert_close(aligned[:, 0], mean[:, :, 0])
    # Step 6 lies between the centres 2.5 and 6.5 of latent frames 1 and 2.
    torch.testing.assert_close(aligned[:, 6], mean[:, :, 1] / 8 + mean[:, :, 2] * 7 / 8)
    assert list(bridge.parameters()) == []


@pytest.mark.parametrize('kind', [BridgeKind.FRAMES, BridgeKind.ALIGNED])
def test_a_latent_frame_changes_only_the_steps_around_it(kind):
    bridge = of_kind(kind)
    latent = torch.zeros(1, 16, 6, 4, 6)
    changed = latent.clone()
    changed[:, :, 3] = 1
    difference = (bridge(changed, 24)[1] - bridge(latent, 24)[1]).abs().amax((0, 2))
    assert difference.nonzero().flatten().tolist() == list(range(7, 15))


@pytest.mark.parametrize('kind', [BridgeKind.GRID, BridgeKind.ATTENTION])
def test_a_global_condition_can_tell_places_apart(kind):
    bridge = of_kind(kind)
    latent = torch.zeros(2, 16, 4, 6, 4)
    latent[0, :, 1, 0, 0] = 1
    latent[1, :, 1, 5, 3] = 1
    one, other = bridge(latent, 16)[0]
    assert (one - other).abs().max() > 1e-4


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(BridgeKind),
    pooling=st.sampled_from(Pooling),
    size=st.tuples(st.integers(2, 7), st.integers(1, 9), st.integers(1, 9)),
    steps=st.integers(1, 40),
    generated_only=st.booleans(),
)
def test_any_latent_gives_conditions_of_the_declared_lengths_and_gets_no_gradient(
    kind, pooling, size, steps, generated_only
):
    bridge = of_kind(kind, pooling=pooling, generated_only=generated_only)
    latent = torch.randn(2, 16, *size, requires_grad=True)
    condition, aligned = bridge(latent, steps)
    assert (condition is None) == (bridge.global_dim == 0)
    assert (aligned is None) == (bridge.aligned_dim == 0)
    total = sum(parameter.sum() for parameter in bridge.parameters())
    if condition is not None:
        assert condition.shape == (2, bridge.global_dim)
        total = total + condition.sum()
    if aligned is not None:
        assert aligned.shape == (2, steps, bridge.aligned_dim)
        total = total + aligned.sum()
    assert torch.isfinite(total)
    if total.requires_grad:
        total.backward()
    assert latent.grad is None


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'global_dim': 0}, 'global_dim = 0'),
        ({'grid': (0, 3)}, r'grid = \(0, 3\)'),
        ({'pool_size': (1, 0, 1)}, r'pool_size = \(1, 0, 1\)'),
        ({'kind': BridgeKind.GRID, 'pool_size': (1, 1, 1)}, 'kind = grid needs more than one'),
        ({'kind': BridgeKind.ATTENTION, 'heads': 3}, 'heads = 3: must divide channels = 8'),
    ],
)
def test_impossible_bridges_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(SMALL, **change)


def test_an_expansion_that_would_drop_values_is_refused():
    with pytest.raises(ConfigError, match='global_dim = 132: expansion = tile of 192 pooled'):
        paper(pool_size=(1, 3, 4))
