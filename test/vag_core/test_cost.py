import pytest

from vag_core.cost import cost
from vag_core.model.action import ActionConfig
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
