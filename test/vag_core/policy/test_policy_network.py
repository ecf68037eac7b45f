import numpy as np
import pytest
import torch

from vag_core.configuration import ConfigError, load
from vag_core.policy.config import PolicyConfig
from vag_core.policy.network import BehaviourCloning, SpatialSoftmax, sentence_features
from vag_core.policy.samples import future_actions


def test_the_shipped_sizes_make_a_network_of_one_to_two_million_parameters():
    network = BehaviourCloning(PolicyConfig())
    assert 1e6 < sum(p.numel() for p in network.parameters()) < 2e6


def test_it_maps_picture_state_and_sentence_to_a_chunk(tiny_policy):
    network = BehaviourCloning(tiny_policy.model)
    image = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    assert network(image, torch.zeros(2, 14), torch.zeros(2, 16)).shape == (2, 3, 14)


def test_a_spatial_softmax_reads_where_a_map_is_bright():
    layer = SpatialSoftmax(1, 1)
    torch.nn.init.constant_(layer.maps.weight, 100.0)
    torch.nn.init.zeros_(layer.maps.bias)
    picture = torch.zeros(1, 1, 5, 9)
    picture[0, 0, 1, 6] = 1.0
    assert layer(picture)[0].tolist() == pytest.approx([0.5, -0.5], abs=1e-5)


def test_a_sentence_is_the_mean_of_its_tokens_without_padding():
    tokens = torch.zeros(2, 4, 3)
    tokens[0, 0], tokens[0, 1] = 1.0, 3.0
    assert sentence_features(tokens).tolist() == [[2.0] * 3, [0.0] * 3]


def test_the_future_of_a_step_begins_one_step_later_and_holds_the_end():
    future = future_actions(np.arange(4.0)[:, None], 4, 3)
    assert future[:, :, 0].tolist() == [[1, 2, 3], [2, 3, 3], [3, 3, 3], [3, 3, 3]]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'action': {'chunk': 4, 'execute': 5}}, 'execute = 5: no more than chunk = 4'),
        ({'height': 90}, 'height = 90: must be a multiple of 4'),
        ({'widths': []}, 'widths = '),
        ({'keypoints': 0}, 'keypoints = 0: must be at least 1'),
    ],
)
def test_sizes_that_make_no_sense_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        load(PolicyConfig, change)
