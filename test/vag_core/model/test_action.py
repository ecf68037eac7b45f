"""The action stream: which network, and which conditions it asks for."""

import pytest
import torch

from vag_core.configuration import ConfigError, load, to_mapping
from vag_core.model.action import ActionConfig, ActionStream, mean_token
from vag_core.model.action_dit import ActionDit, ActionDitConfig
from vag_core.model.unet1d import Unet1d, UnetConfig

UNET = {'down_dims': [8, 16], 'groups': 4, 'time_embed_dim': 8}
DIT = {'kind': 'dit', 'width': 16, 'layers': 1, 'heads': 2, 'cross_attention': True}
TIMES = torch.tensor([0.2, 0.8])


def config(network=UNET, **changes):
    changes = {'prediction': 'clean', **changes}
    return load(ActionConfig, {'dimension': 3, 'network': network, **changes})


def stream(*args, **changes):
    torch.manual_seed(0)
    return ActionStream(config(*args, **changes), 4, 6).eval()


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(2)
    shapes = (2, 8, 3), (2, 4, 2, 3, 3), (2, 5, 6), (2, 3)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def test_a_network_without_a_kind_is_the_unet():
    cfg = config()
    assert cfg.network == UnetConfig(down_dims=(8, 16), groups=4, time_embed_dim=8)
    assert isinstance(ActionStream(cfg, 4, 6).network, Unet1d)
    assert load(ActionConfig, {'dimension': 3}).network == UnetConfig()


def test_the_kind_chooses_the_transformer():
    cfg = config(DIT)
    assert isinstance(cfg.network, ActionDitConfig)
    assert isinstance(ActionStream(cfg, 4, 6).network, ActionDit)
    assert load(ActionConfig, to_mapping(cfg)) == cfg


@pytest.mark.parametrize(
    ('network', 'message'),
    [
        ({**UNET, 'width': 16}, r'network\.unet\.width = 16'),
        ({**DIT, 'groups': 4}, r'network\.dit\.groups = 4'),
        ({'kind': 'mlp'}, "'unet', 'dit'"),
    ],
)
def test_a_mistake_is_reported_for_the_network_that_was_meant(network, message):
    with pytest.raises(ConfigError, match=message) as error:
        config(network)
    assert len(str(error.value).splitlines()) == 1


def test_93_steps_are_padded_to_96_for_three_levels_and_not_for_a_transformer():
    assert ActionConfig(dimension=14).padded_steps(93) == 96
    assert ActionConfig(dimension=14, network=ActionDitConfig()).padded_steps(93) == 93


@pytest.mark.parametrize('network', [UNET, DIT])
@pytest.mark.parametrize('option', ['text', 'start_state'])
def test_an_option_changes_the_answer_and_its_absence_is_named(inputs, network, option):
    actions, video, text, state = inputs
    action = stream({**network, 'kind': network.get('kind', 'unet')}, **{option: True})
    torch.nn.init.normal_(list(action.network.parameters())[-2])
    for name, parameter in action.named_parameters():
        if 'modulation' in name:
            torch.nn.init.normal_(parameter, std=0.3)
    given = {'text': text, 'start_state': state}
    answer = action(actions, TIMES, video, **given)
    changed = action(actions, TIMES, video, **{**given, option: given[option] + 1})
    assert (answer - changed).abs().max() > 1e-4
    with pytest.raises(ValueError, match=option):
        action(actions, TIMES, video, **{**given, option: None})


def test_without_options_the_global_condition_is_the_bridge_s_alone(inputs):
    actions, video, text, state = inputs
    action = stream()
    assert torch.equal(action(actions, TIMES, video), action(actions, TIMES, video, text, state))
    names = dict(action.named_parameters())
    assert names['network.mid_modules.0.cond_encoder.1.weight'].shape[1] == 8 + 132


def test_cross_attention_alone_needs_the_text(inputs):
    actions, video, *_ = inputs
    with pytest.raises(ValueError, match='text'):
        stream(DIT)(actions, TIMES, video)


def test_the_mean_token_leaves_padding_out():
    text = torch.zeros(2, 4, 3)
    text[0, :2] = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    assert mean_token(text).tolist() == [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize('field', ['dimension', 'features'])
def test_an_empty_action_is_refused(field):
    with pytest.raises(ConfigError, match=f'{field} = 0'):
        config(**{field: 0})
