"""The transformer over action steps."""

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.model.action_dit import ActionDit, ActionDitConfig

TIMES = torch.tensor([0.2, 0.8])


def network(global_dim=5, aligned_dim=4, **changes):
    torch.manual_seed(0)
    cfg = ActionDitConfig(width=16, layers=2, heads=2, time_embed_dim=8, **changes)
    made = ActionDit(cfg, 3, global_dim, aligned_dim, text_dim=6)
    for parameter in made.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


def conditions(steps):
    generator = torch.Generator().manual_seed(1)
    shapes = (2, steps, 3), (2, 5), (2, steps, 4), (2, 7, 6)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize('steps', [1, 7, 93])
def test_any_number_of_steps_passes_and_keeps_its_shape(steps):
    actions, condition, aligned, _ = conditions(steps)
    assert network()(actions, TIMES, condition, aligned).shape == actions.shape


def test_an_untrained_network_answers_zero():
    made = ActionDit(ActionDitConfig(width=16, layers=1, heads=2), 3)
    assert not made(torch.randn(2, 5, 3), TIMES).any()


@pytest.mark.parametrize('index', range(4))
def test_every_condition_changes_the_answer(index):
    made = network(cross_attention=True)
    actions, *rest = conditions(8)
    answer = made(actions, TIMES, *rest)
    if index == 3:
        changed = made(actions, TIMES.flip(0), *rest)
    else:
        rest[index] = rest[index] + 1
        changed = made(actions, TIMES, *rest)
    assert (answer - changed).abs().max() > 1e-3


def test_the_order_of_the_steps_matters():
    made = network(aligned_dim=0)
    actions, condition, *_ = conditions(8)
    flipped = made(actions.flip(1), TIMES, condition)
    assert not torch.allclose(flipped.flip(1), made(actions, TIMES, condition), atol=1e-3)


def test_the_condition_of_a_step_is_added_to_its_token():
    made = network()
    for block in made.blocks:
        for layer in block.values():
            torch.nn.init.zeros_(layer.modulation[1].weight)
            torch.nn.init.zeros_(layer.modulation[1].bias)
    actions, condition, aligned, _ = conditions(8)
    changed = aligned.clone()
    changed[:, 5] += 1
    difference = made(actions, TIMES, condition, changed) - made(
        actions, TIMES, condition, aligned
    )
    assert difference.abs().amax((0, 2)).nonzero().flatten().tolist() == [5]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'width': 20, 'heads': 4}, 'width = 20: must be a multiple of twice the heads, 8'),
        ({'layers': 0}, 'layers = 0'),
        ({'mlp_ratio': 0.0}, 'mlp_ratio'),
        ({'time_embed_dim': 7}, 'time_embed_dim = 7'),
    ],
)
def test_sizes_that_no_transformer_has_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        ActionDitConfig(**change)
