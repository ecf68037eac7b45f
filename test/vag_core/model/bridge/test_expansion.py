"""From pooled values to the length of the paper's condition."""

import pytest
import torch

from vag_core.model.bridge.config import Expansion
from vag_core.model.bridge.expansion import expand

VALUES = torch.arange(16.0)[None]
COPIES = (Expansion.TILE, Expansion.NEAREST, Expansion.LINEAR, Expansion.ADAPTIVE)


def expanded(mode, length=132):
    return expand(VALUES, length, mode)[0]


def test_tiling_repeats_the_first_four_channels_nine_times_and_the_others_eight():
    assert torch.equal(expanded(Expansion.TILE), torch.arange(132.0) % 16)
    copies = torch.bincount(expanded(Expansion.TILE).long())
    assert copies.tolist() == [9] * 4 + [8] * 12


def test_nearest_repeats_every_channel_in_place():
    values = expanded(Expansion.NEAREST)
    assert values.diff().min() >= 0
    copies = torch.bincount(values.long())
    assert set(copies.tolist()) == {8, 9}
    assert copies.sum() == 132


def test_linear_interpolates_between_neighbouring_channels():
    # Element i lies at (i + 0.5) 16 / 132 - 0.5 on the channel axis, clamped to its ends.
    expected = ((torch.arange(132.0) + 0.5) * 16 / 132 - 0.5).clamp(0, 15)
    torch.testing.assert_close(expanded(Expansion.LINEAR), expected)


def test_adaptive_averages_the_channels_that_a_cell_touches():
    # Cell 8 of 132 covers channels 0.97 to 1.09: the mean of channels 0 and 1.
    values = expanded(Expansion.ADAPTIVE)
    assert values[0] == 0
    assert values[8] == 0.5
    assert values[131] == 15


def test_zero_padding_keeps_the_channels_and_appends_zeros():
    values = expanded(Expansion.ZERO_PAD)
    assert torch.equal(values[:16], VALUES[0])
    assert not values[16:].any()


@pytest.mark.parametrize('mode', [*COPIES, Expansion.ZERO_PAD])
def test_as_many_values_as_wanted_stay_as_they_are(mode):
    torch.testing.assert_close(expanded(mode, length=16), VALUES[0])


def test_values_are_never_dropped():
    with pytest.raises(ValueError, match='16 are more than length = 8'):
        expanded(Expansion.TILE, length=8)
