import pytest
import torch

from vag_core.cost import _decode_flop, _flop, cost
from vag_core.model.action import ActionConfig
from vag_core.model.vae import VaeConfig, VaeKind, make_vae
from vag_core.model.vag import VagConfig


@pytest.fixture(scope='module')
def full_size():
    return cost(VagConfig(action=ActionConfig(dimension=14)))


def test_the_full_size_streams_have_the_published_numbers_of_parameters(full_size):
    assert full_size.video_parameters == 1_956_413_440
    assert full_size.action_parameters == pytest.approx(251.55e6, rel=1e-4)


def test_the_full_size_video_stream_has_31104_tokens_of_328_tflop(full_size):
    assert full_size.latent == (24, 54, 96)
    assert full_size.tokens == 31_104
    assert full_size.forward_flop / 1e12 == pytest.approx(328.0, abs=0.05)


def test_the_action_stream_costs_less_than_a_thousandth(full_size):
    assert full_size.action_flop == pytest.approx(14.0e9, rel=0.01)
    assert full_size.action_flop < 1e-3 * full_size.forward_flop


def test_guidance_doubles_the_video_evaluations_only(full_size):
    assert (full_size.evaluations, full_size.action_evaluations) == (72, 36)


def test_an_episode_is_the_sum_of_its_parts(full_size):
    assert full_size.episode_flop / 1e15 == pytest.approx(23.62, rel=0.001)


def test_the_wan_vae_decodes_the_full_clip_with_262_tflop():
    with torch.device('meta'):
        vae = make_vae(VaeConfig(kind=VaeKind.WAN))
        latent, picture = torch.empty(1, 16, 24, 54, 96), torch.empty(1, 3, 1, 432, 768)
    assert _decode_flop(vae, latent) / 1e12 == pytest.approx(262.3, abs=0.05)
    assert _flop(vae.encode, picture) / 1e12 == pytest.approx(2.25, abs=0.005)


def test_a_decoder_s_cost_follows_from_its_first_frames():
    with torch.device('meta'):
        vae, latent = make_vae(VaeConfig()), torch.empty(1, 16, 7, 2, 3)
    assert _decode_flop(vae, latent) == _flop(vae.decode, latent)
