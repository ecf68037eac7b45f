"""The action stream's loss."""

import dataclasses

import pytest
import torch

from vag_core.model.action_dit import ActionDitConfig
from vag_core.model.vag import Vag
from vag_core.train.losses import action_loss
from vag_core.train.recipe import ActionLoss

TIMES = torch.tensor([0.25, 0.5])


@pytest.fixture
def batch(recipe):
    generator = torch.Generator().manual_seed(4)
    cfg = recipe.model
    shape = (2, cfg.padded_steps, cfg.action.dimension)
    actions, noise = torch.randn(2, *shape, generator=generator)
    return {
        'actions': actions,
        'action_noise': noise,
        'time': TIMES,
        'text': torch.randn(2, cfg.text.length, cfg.text.dim, generator=generator),
        'start_state': torch.randn(2, cfg.action.dimension, generator=generator),
    }


@pytest.fixture
def latent(recipe):
    return torch.zeros(2, recipe.model.vae.latent_channels, *recipe.model.latent_size)


def test_padded_steps_count_in_no_loss(recipe, random_model, batch, latent):
    loss = action_loss(random_model, latent, batch, ActionLoss())
    steps = recipe.model.frames
    assert recipe.model.padded_steps > steps
    # Another truth and another noise that give the same noisy sample.
    change = 3.0
    time = TIMES[:, None, None]
    changed = {**batch, 'actions': batch['actions'].clone()}
    changed['action_noise'] = batch['action_noise'].clone()
    changed['actions'][:, steps:] += change
    changed['action_noise'][:, steps:] -= change * (1 - time) / time
    torch.testing.assert_close(action_loss(random_model, latent, changed, ActionLoss()), loss)
    changed['actions'][:, steps - 1] += change
    assert action_loss(random_model, latent, changed, ActionLoss()) > loss + 0.1


def test_text_and_start_state_reach_a_stream_that_asks_for_them(recipe, batch, latent):
    network = ActionDitConfig(width=8, layers=1, heads=2, cross_attention=True)
    action = dataclasses.replace(
        recipe.model.action, network=network, text=True, start_state=True, features=4
    )
    torch.manual_seed(0)
    model = Vag(dataclasses.replace(recipe.model, action=action))
    # The transformer answers zero at first, so that only its last layer has a gradient.
    for parameter in model.action.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    batch = {name: value[:, :9] if 'action' in name else value for name, value in batch.items()}
    action_loss(model, latent, batch, ActionLoss()).backward()
    gradients = {name: p.grad for name, p in model.action.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    for part in ('embed_text', 'embed_state.0', 'network.blocks.0.cross_attention.layer.to_k'):
        assert gradients[f'{part}.weight'].any()
