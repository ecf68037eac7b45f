"""The optimiser's settings over a run, and averaged weights."""

import pytest
import torch
from torch import nn

from vag_core.configuration import ConfigError
from vag_core.train.ema import AveragedWeights
from vag_core.train.optimisation import Schedule, StageConfig, power_of_rate


def stage(**changes):
    return StageConfig(**{'steps': 100, 'batch': 8, 'learning_rate': 0.1, 'warmup': 10, **changes})


@pytest.mark.parametrize(
    ('schedule', 'half'),
    [(Schedule.COSINE, 0.5), (Schedule.LINEAR, 0.5), (Schedule.CONSTANT, 1.0)],
)
def test_the_learning_rate_warms_up_linearly_and_follows_its_schedule(schedule, half):
    cfg = stage(schedule=schedule)
    assert cfg.relative_rate(5, 0.0) == pytest.approx(0.5)
    assert cfg.relative_rate(10, 0.0) == pytest.approx(1.0)
    assert cfg.relative_rate(50, 0.5) == pytest.approx(half)


def test_the_learning_rate_ends_at_its_final_factor():
    for schedule in (Schedule.COSINE, Schedule.LINEAR):
        assert stage(schedule=schedule, final_factor=0.1).relative_rate(100, 1.0) == (
            pytest.approx(0.1)
        )


def test_cosmos_power_average_has_the_power_7_94():
    assert power_of_rate(0.1) == pytest.approx(7.94, abs=0.005)
    assert stage(ema_rate=0.1).average_decay(99) == pytest.approx(0.99**7.94, rel=1e-3)


def test_early_steps_of_a_constant_average_weigh_less():
    assert stage(ema=0.99).average_decay(1) == pytest.approx(2 / 11)
    assert stage(ema=0.99).average_decay(10_000) == 0.99
    assert stage().average_decay(1) is None


def test_the_average_follows_its_recursion_and_is_applied_for_a_while():
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.zero_()
    average = AveragedWeights(module.parameters())
    for value, decay in ((1.0, 0.25), (2.0, 0.5)):
        module.weight.data.fill_(value)
        average.update(decay)
    with average.applied():
        assert float(module.weight) == pytest.approx(0.75 * 0.5 + 2 * 0.5)
    assert float(module.weight) == 2.0


def test_a_batch_is_divided_among_processes_and_passes():
    assert stage(accumulate=2).passes(processes=2) == 2
    with pytest.raises(ConfigError, match='batch = 8: must be a multiple of 3 processes'):
        stage().passes(processes=3)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'steps': 0}, 'steps = 0'),
        ({'learning_rate': 0.0}, 'learning_rate'),
        ({'ema': 1.0}, 'ema'),
        ({'ema': 0.9, 'ema_rate': 0.1}, 'ema_rate'),
        ({'betas': (0.9, 1.0)}, 'betas'),
        ({'final_factor': 1.5}, 'final_factor'),
        ({'clip': 0.0}, 'clip'),
    ],
)
def test_meaningless_settings_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        stage(**change)


def test_the_average_keeps_float32():
    module = nn.Linear(2, 2)
    assert all(a.dtype == torch.float32 for a in AveragedWeights(module.parameters()).average)
