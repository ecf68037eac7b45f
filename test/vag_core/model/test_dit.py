"""The transformer: its size, its names, its parts."""

import dataclasses
import math

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.dit import Dit, DitConfig, rotary_angles
from vag_core.model.weights import diffusers_options

TINY = DitConfig(
    latent_channels=4,
    num_layers=2,
    num_attention_heads=2,
    attention_head_dim=24,
    text_embed_dim=10,
    adaln_lora_dim=6,
    patch_size=(1, 2, 2),
    max_size=(8, 8, 8),
)


def random_dit(cfg=TINY):
    torch.manual_seed(0)
    return Dit(cfg).eval()


def inputs(cfg=TINY, frames=3, height=4, width=6):
    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(2, cfg.latent_channels, frames, height, width, generator=generator)
    times = torch.tensor([[1e-4, 0.7, 0.7], [1e-4, 0.2, 0.2]])
    text = torch.randn(2, 5, cfg.text_embed_dim, generator=generator)
    mask = torch.tensor([1.0, 0.0, 0.0]).view(1, 1, frames, 1, 1)
    return latent, times, text, mask


def test_the_2b_configuration_has_exactly_the_published_number_of_parameters():
    with torch.device('meta'):
        dit = Dit(DitConfig())
    assert sum(p.numel() for p in dit.parameters()) == 1_956_413_440


@pytest.fixture(scope='module')
def reference():
    diffusers = pytest.importorskip('diffusers')
    options = diffusers_options(TINY, masks_given=True)
    return diffusers.CosmosTransformer3DModel(**options).eval()


def test_parameter_names_and_shapes_are_those_of_diffusers(reference):
    shapes = {name: tuple(p.shape) for name, p in random_dit().named_parameters()}
    assert shapes == {name: tuple(p.shape) for name, p in reference.named_parameters()}


def test_training_attention_gives_the_same_output():
    dit = random_dit()
    arguments = inputs()
    with torch.no_grad():
        fused = dit(*arguments)
    torch.testing.assert_close(dit(*arguments).detach(), fused, rtol=1e-4, atol=1e-5)


def test_rotary_angles_split_the_head_into_44_42_42_features():
    cos, sin = rotary_angles((2, 3, 4), 128, (1.0, 3.0, 3.0), torch.device('cpu'))
    assert cos.shape == sin.shape == (24, 64)
    # Token (1, 0, 0): only the 22 temporal angles differ from those of token 0.
    assert torch.equal((sin[12] != 0).nonzero().flatten(), torch.arange(22))
    # Second angle of the rows at row 1: theta = 10000 * 3^(42 / 40).
    theta = 10000 * 3**1.05
    assert float(torch.atan2(sin[4, 23], cos[4, 23])) == pytest.approx(
        theta ** (-2 / 42), rel=1e-5
    )
    # Second angle of the frames at frame 1: theta = 10000, whatever the frame rate.
    assert float(sin[12, 1].asin()) == pytest.approx(10000 ** (-2 / 44), rel=1e-5)


def test_93_frames_of_432_by_768_are_31104_tokens_of_patches_of_72_values():
    with torch.device('meta'):
        dit = Dit(DitConfig(num_layers=1))
        latent = torch.empty(1, 16, 24, 54, 96)
        seen = []
        dit.patch_embed.register_forward_hook(lambda module, args, out: seen.append(out))
        out = dit(latent, torch.empty(1, 24), torch.empty(1, 512, 1024), latent[:1, :1, :, :1, :1])
    assert out.shape == latent.shape
    assert dit.patch_embed.proj.weight.shape == (2048, 72)
    assert math.prod(seen[0].shape[1:4]) == 31_104


def test_rounded_times_collide_as_in_bfloat16():
    dit = random_dit(dataclasses.replace(TINY, bfloat16_time=True))
    latent, _, text, mask = inputs()
    # Second and third time of the official grid.
    one, other = (torch.full((2, 3), t) for t in (0.985575, 0.983092))
    with torch.no_grad():
        assert torch.equal(dit(latent, one, text, mask), dit(latent, other, text, mask))
        exact = random_dit()
        assert not torch.equal(exact(latent, one, text, mask), exact(latent, other, text, mask))


def test_further_tokens_can_follow_the_text():
    dit = random_dit()
    latent, times, text, mask = inputs()
    with torch.no_grad():
        alone = dit(latent, times, text, mask)
        more = dit(latent, times, torch.cat([text, 3 * text], dim=1), mask)
    assert more.shape == alone.shape
    assert not torch.allclose(more, alone)


def test_gradient_checkpointing_changes_neither_output_nor_gradients():
    results = []
    for switch in (False, True):
        dit = random_dit()
        dit.gradient_checkpointing = switch
        calls = []
        block = dit.transformer_blocks[0]
        block.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        output = dit(*inputs())
        output.square().mean().backward()
        results.append((output.detach(), [p.grad for p in dit.parameters()], len(calls)))
    torch.testing.assert_close(results[0][:2], results[1][:2])
    assert [calls for *_, calls in results] == [1, 2]


def test_a_first_frame_embedding_reaches_every_frame():
    cfg = dataclasses.replace(TINY, first_frame_embedding=True, num_layers=1)
    dit = random_dit(cfg)
    latent, times, text, mask = inputs()
    with torch.no_grad():
        dit.transformer_blocks[0].attn1.to_out[0].weight.zero_()
        changed = latent.clone()
        changed[:, :, 0] += 1
        difference = (dit(changed, times, text, mask) - dit(latent, times, text, mask)).abs()
    assert (difference.amax((0, 1, 3, 4)) > 1e-4).all()


def test_an_initialised_network_returns_zero():
    dit = random_dit()
    dit.initialise()
    with torch.no_grad():
        assert not dit(*inputs()).any()


def test_a_latent_beyond_max_size_is_refused():
    with pytest.raises(ValueError, match=r'\(9, 4, 6\) exceeds max_size \(8, 8, 8\)'):
        random_dit()(torch.zeros(1, 4, 9, 4, 6), torch.zeros(1, 9), torch.zeros(1, 5, 10), None)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'num_layers': 0}, 'num_layers = 0'),
        ({'attention_head_dim': 25}, 'attention_head_dim = 25'),
        ({'patch_size': (2, 2, 2)}, 'patch_size'),
        ({'adaln_lora_dim': 0}, 'adaln_lora_dim = 0'),
        ({'mlp_ratio': -1.0}, 'mlp_ratio = -1.0'),
        ({'mlp_ratio': float('nan')}, 'mlp_ratio = nan'),
        ({'rope_scale': (1.0, 0.0, 3.0)}, 'rope_scale'),
        ({'rope_scale': (1.0, float('inf'), 3.0)}, 'rope_scale'),
        ({'max_size': (8, 0, 8)}, 'max_size'),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        DitConfig(**change)


def test_a_thinned_out_clip_keeps_the_places_of_its_frames():
    size, places = (4, 3, 4), torch.tensor([0, 3])
    device = torch.device('cpu')
    whole = rotary_angles(size, 48, (1.0, 1.0, 1.0), device)
    thin = rotary_angles((2, 3, 4), 48, (1.0, 1.0, 1.0), device, places)
    for found, expected in zip(thin, whole, strict=True):
        assert torch.equal(found, expected.unflatten(0, (4, 12))[places].flatten(0, 1))
