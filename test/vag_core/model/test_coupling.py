"""Noisy actions as tokens for the video stream."""

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.coupling import ActionTokens, CouplingConfig

TIMES = torch.tensor([0.2, 0.8])


def tokens(**changes):
    torch.manual_seed(0)
    made = ActionTokens(CouplingConfig(width=8, **changes), 3, 5)
    torch.nn.init.normal_(made.proj.weight)
    return made


@pytest.mark.parametrize(('steps', 'count'), [(8, 2), (10, 3), (1, 1), (96, 24)])
def test_four_steps_make_a_token_and_the_last_action_fills_it(steps, count):
    actions = torch.randn(2, steps, 3)
    made = tokens()(actions, TIMES)
    assert made.shape == (2, count, 5)
    padded = torch.cat([actions, actions[:, -1:].expand(-1, 4 * count - steps, -1)], 1)
    assert torch.equal(made, tokens()(padded, TIMES))


def test_a_token_knows_its_actions_its_time_and_its_place():
    module = tokens()
    actions = torch.ones(1, 8, 3)
    here = module(actions, TIMES[:1])
    assert not torch.allclose(here, module(2 * actions, TIMES[:1]))
    assert not torch.allclose(here, module(actions, TIMES[1:]))
    assert not torch.allclose(here[:, 0], here[:, 1])


def test_untrained_tokens_are_zero_as_the_text_s_padding_is():
    made = ActionTokens(CouplingConfig(width=8), 3, 5)(torch.randn(2, 8, 3), TIMES)
    assert not made.any()


@pytest.mark.parametrize(
    ('change', 'message'),
    [({'steps_per_token': 0}, 'steps_per_token = 0'), ({'width': 5}, 'width = 5')],
)
def test_impossible_couplings_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        CouplingConfig(**change)
