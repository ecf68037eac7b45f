"""The action U-Net: size, length of the time axis."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from vag_core.configuration import ConfigError
from vag_core.model.unet1d import Unet1d, UnetConfig, pad_steps

TINY = UnetConfig(down_dims=(8, 16, 24), time_embed_dim=8)


@pytest.mark.parametrize(('action_dim', 'count'), [(14, 251_554_958), (7, 251_529_863)])
def test_the_image_policy_widths_have_the_published_number_of_parameters(action_dim, count):
    with torch.device('meta'):
        unet = Unet1d(UnetConfig(), action_dim, global_dim=132)
    assert sum(p.numel() for p in unet.parameters()) == count


def published(state, actions, times, condition, levels=3):
    """ConditionalUnet1D (Chi et al., 2023) as plain functions of its weights."""

    def embed(t):
        frequency = 10000 ** (-torch.arange(4, dtype=torch.float64) / 3)
        angle = 1000.0 * t.double()[:, None] * frequency
        return torch.cat([torch.sin(angle), torch.cos(angle)], 1)

    def weights(name):
        return state[f'{name}.weight'], state[f'{name}.bias']

    def conv_block(x, name):
        x = F.conv1d(x, *weights(f'{name}.block.0'), padding='same')
        batch, channels, length = x.shape
        group = x.reshape(batch, 4, -1)
        group = (group - group.mean(2, keepdim=True)) / torch.sqrt(
            group.var(2, keepdim=True, correction=0) + 1e-5
        )
        scale, bias = weights(f'{name}.block.1')
        return mish(group.reshape(batch, channels, length) * scale[:, None] + bias[:, None])

    def mish(x):
        return x * torch.tanh(torch.log1p(torch.exp(x)))

    def residual(x, name):
        film = F.linear(mish(c), *weights(f'{name}.cond_encoder.1'))
        width = film.shape[1] // 2
        y = conv_block(x, f'{name}.blocks.0')
        y = film[:, :width, None] * y + film[:, width:, None]
        y = conv_block(y, f'{name}.blocks.1')
        if f'{name}.residual_conv.weight' in state:
            x = F.conv1d(x, *weights(f'{name}.residual_conv'))
        return y + x

    hidden = mish(F.linear(embed(times), *weights('diffusion_step_encoder.1')))
    c = torch.cat([F.linear(hidden, *weights('diffusion_step_encoder.3')), condition], 1)
    x, skips = actions.mT, []
    for level in range(levels):
        x = residual(residual(x, f'down_modules.{level}.0'), f'down_modules.{level}.1')
        skips.append(x)
        if level < levels - 1:
            x = F.conv1d(x, *weights(f'down_modules.{level}.2.conv'), stride=2, padding=1)
    x = residual(residual(x, 'mid_modules.0'), 'mid_modules.1')
    for level in range(levels - 1):
        x = torch.cat([x, skips[-1 - level]], 1)
        x = residual(residual(x, f'up_modules.{level}.0'), f'up_modules.{level}.1')
        name = f'up_modules.{level}.2.conv'
        x = F.conv_transpose1d(x, *weights(name), stride=2, padding=1)
    return F.conv1d(conv_block(x, 'final_conv.0'), *weights('final_conv.1')).mT


def test_it_equals_the_published_architecture():
    torch.manual_seed(0)
    cfg = UnetConfig(down_dims=(8, 16, 24), groups=4, time_embed_dim=8)
    unet = Unet1d(cfg, 3, global_dim=5).double()
    actions, condition = torch.randn(2, 16, 3).double(), torch.randn(2, 5).double()
    times = torch.tensor([0.02, 0.987654])
    expected = published(unet.state_dict(), actions, times, condition)
    output = unet.float()(actions.float(), times, condition.float())
    torch.testing.assert_close(output, expected.float(), atol=1e-5, rtol=1e-5)


def test_parameter_names_are_those_of_diffusion_policy():
    names = {name for name, _ in Unet1d(TINY, 3, 5).named_parameters()}
    assert {
        'diffusion_step_encoder.1.weight',
        'down_modules.0.0.blocks.0.block.0.weight',
        'down_modules.1.0.cond_encoder.1.weight',
        'down_modules.0.2.conv.weight',
        'mid_modules.1.blocks.1.block.1.bias',
        'up_modules.1.0.residual_conv.weight',
        'up_modules.0.2.conv.weight',
        'final_conv.0.block.0.weight',
        'final_conv.1.weight',
    } <= names


def test_96_steps_pass_and_keep_their_shape():
    output = Unet1d(TINY, 3, 5)(torch.zeros(2, 96, 3), torch.tensor([0.1, 0.9]), torch.zeros(2, 5))
    assert output.shape == (2, 96, 3)


def test_93_steps_are_refused():
    with pytest.raises(ValueError, match='93 steps, need a multiple of 4'):
        Unet1d(TINY, 3)(torch.zeros(1, 93, 3), torch.zeros(1))


def test_an_aligned_condition_is_local_in_time():
    torch.manual_seed(0)
    unet = Unet1d(TINY, 3, aligned_dim=4).eval()
    # Group normalisation mixes all steps; without it a convolution's reach is what counts.
    for module in unet.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = lambda x: x
    condition = torch.zeros(1, 256, 4)
    changed = condition.clone()
    changed[:, 0] = 1
    actions, times = torch.zeros(1, 256, 3), torch.zeros(1)
    difference = unet(actions, times, aligned_condition=changed) - unet(
        actions, times, aligned_condition=condition
    )
    assert difference[0, 0].abs().max() > 0
    assert not difference[0, 200:].any()


def test_padding_repeats_the_last_action():
    actions = torch.randn(2, 93, 14)
    padded = pad_steps(actions, 96)
    assert padded.shape == (2, 96, 14)
    assert torch.equal(padded[:, :93], actions)
    assert torch.equal(padded[:, 93:], actions[:, -1:].expand(-1, 3, -1))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'down_dims': (8,)}, 'at least two levels'),
        ({'down_dims': (8, 12)}, '12 is no multiple of groups 8'),
        ({'kernel_size': 4}, 'kernel_size = 4'),
        ({'time_embed_dim': 7}, 'time_embed_dim = 7'),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        UnetConfig(**change)
