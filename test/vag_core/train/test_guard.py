"""What counts as a diverging loss."""

import pytest

from vag_core.configuration import ConfigError
from vag_core.train.guard import Guard, GuardConfig

CFG = GuardConfig(factor=10.0, window=5, patience=3)


def complaints(losses, cfg=CFG):
    guard = Guard(cfg, [])
    return [guard.complaint(loss) for loss in losses]


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_loss_that_is_no_number_is_reported_at_once(value):
    assert complaints([1.0, value])[-1] == f'loss = {value}'


def test_a_loss_far_above_its_median_is_reported_after_some_steps():
    found = complaints([1.0] * 5 + [11.0] * 3)
    assert found[:7] == [None] * 7
    assert 'above 10 x its median 1 for 3 steps' in found[7]


def test_a_single_high_loss_is_forgiven():
    assert complaints([1.0] * 5 + [50.0, 50.0, 1.0, 50.0, 50.0]) == [None] * 10


def test_without_a_factor_any_number_will_do():
    assert complaints([1.0] * 5 + [1e9] * 9, GuardConfig(factor=0.0, window=5)) == [None] * 14


def test_it_goes_on_from_the_losses_of_a_resumed_run():
    guard = Guard(CFG, [1.0] * 5 + [11.0] * 2)
    assert guard.complaint(11.0) is not None


def test_a_meaningless_guard_is_refused():
    with pytest.raises(ConfigError, match='factor'):
        GuardConfig(factor=0.5)
