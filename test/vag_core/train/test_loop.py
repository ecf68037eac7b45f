"""Optimisation, noise levels and measurements of the training."""

import numpy as np
import pytest
import torch
from torch import nn

from vag_core.configuration import ConfigError
from vag_core.train.loop import AveragedWeights, optimise
from vag_core.train.measure import psnr, smoothness
from vag_core.train.noise import sample_times
from vag_core.train.recipe import (
    ActionTraining,
    NoiseConfig,
    StageConfig,
    VaeTraining,
    VideoTraining,
)


class Scalar(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))


def fit(seconds=None, **changes):
    module = Scalar()
    stage = StageConfig(
        **{'steps': 100, 'batch': 1, 'learning_rate': 0.3, 'weight_decay': 0.0, **changes}
    )

    def loss():
        return (module.value - 3).square()

    return module, optimise(module, loss, stage, seconds)


def test_it_minimises_the_loss():
    module, history = fit()
    assert len(history) == 100
    assert history[-1] < 0.001 * history[0]
    assert not module.training


def test_averaged_weights_replace_the_last_ones():
    module, _ = fit(steps=20, ema=0.99)
    plain, _ = fit(steps=20)
    assert 0 < module.value.item() < plain.value.item()


def test_the_average_follows_its_recursion():
    module = Scalar()
    average = AveragedWeights(module, 0.5)
    for value in (1.0, 2.0):
        module.value.data.fill_(value)
        average.update()
    # Decays 2/11 and 3/12: early steps weigh less than the final decay says.
    first = 1 - 2 / 11
    assert float(average.average[0]) == pytest.approx(first + (2 - first) * (1 - 3 / 12))


def test_a_spent_budget_ends_it_after_the_first_step():
    assert len(fit(seconds=1e-9)[1]) == 1


def test_a_loss_that_is_no_number_is_reported():
    module = Scalar()
    stage = StageConfig(steps=3, batch=1, learning_rate=0.1)
    with pytest.raises(ArithmeticError, match='loss = nan at step 1'):
        optimise(module, lambda: module.value * float('nan'), stage)


def test_noise_levels_are_log_normal_in_sigma():
    times = sample_times(NoiseConfig(mean=1.0, std=0.5), 20_000, torch.Generator().manual_seed(0))
    log_sigma = (times / (1 - times)).log()
    assert float(log_sigma.mean()) == pytest.approx(1.0, abs=0.02)
    assert float(log_sigma.std()) == pytest.approx(0.5, abs=0.02)


def test_a_share_of_noise_levels_is_uniform_at_the_high_end():
    cfg = NoiseConfig(mean=-3.0, std=0.1, high_share=0.4, high_from=0.9)
    times = sample_times(cfg, 20_000, torch.Generator().manual_seed(0))
    high = times[times > 0.9]
    assert len(high) / len(times) == pytest.approx(0.4, abs=0.02)
    assert float(high.mean()) == pytest.approx(0.95, abs=0.005)
    assert float(times.max()) < 1


def test_smoothness_takes_the_largest_differences_of_each_unit():
    actions = np.zeros((1, 4, 2))
    actions[0, :, 0] = [0, 0.1, 0.1, 0.1]
    actions[0, :, 1] = [0, 0, 0.02, 0.02]
    found = smoothness(actions, np.array([False, True]), fps=10.0)
    assert found.velocity == pytest.approx(1.0)
    assert found.acceleration == pytest.approx(10.0)
    assert found.velocity_m == pytest.approx(0.2)
    assert found.acceleration_m == pytest.approx(2.0)


def test_psnr_of_a_constant_difference():
    black = np.zeros((4, 4), np.uint8)
    assert psnr(black, black + 51) == pytest.approx(20 * np.log10(5))
    assert psnr(black, black) == float('inf')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'steps': 0}, 'steps = 0'),
        ({'learning_rate': 0.0}, 'learning_rate'),
        ({'ema': 1.0}, 'ema'),
    ],
)
def test_meaningless_stages_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        StageConfig(**{'steps': 1, 'batch': 1, 'learning_rate': 0.1, **change})


@pytest.mark.parametrize(
    ('kind', 'change'),
    [
        (VaeTraining, {'kl_weight': -1.0}),
        (VideoTraining, {'text_dropout': 1.5}),
        (ActionTraining, {'true_share': -0.1}),
        (ActionTraining, {'estimates': -1}),
        (ActionTraining, {'minimum_std': 0.0}),
        (ActionTraining, {'estimates': 0, 'rollouts': 0, 'true_share': 0.5}),
    ],
)
def test_a_meaningless_loss_is_refused(kind, change):
    stage = StageConfig(steps=1, batch=1, learning_rate=0.1)
    with pytest.raises(ConfigError, match=list(change)[-1]):
        kind(stage=stage, **change)
