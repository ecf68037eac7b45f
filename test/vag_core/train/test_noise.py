"""Noise levels of training samples."""

import math

import pytest
import torch

from vag_core.configuration import ConfigError
from vag_core.train.noise import NoiseConfig, sample_times


def draw(latent_frames=1, **changes):
    times = sample_times(
        NoiseConfig(**changes), 20_000, latent_frames, torch.Generator().manual_seed(0)
    )
    return times.double()


def test_noise_levels_are_log_normal_in_sigma():
    times = draw(mean=1.0, std=0.5)
    log_sigma = (times / (1 - times)).log()
    assert float(log_sigma.mean()) == pytest.approx(1.0, abs=0.02)
    assert float(log_sigma.std()) == pytest.approx(0.5, abs=0.02)


def test_by_default_a_longer_video_gets_more_noise():
    # Cosmos-Predict2 at 24 latent frames: median t 0.830, 10 % below 0.576, 90 % below 0.946.
    times = draw(latent_frames=24)
    for share, expected in ((0.1, 0.576), (0.5, 0.830), (0.9, 0.946)):
        assert float(times.quantile(share)) == pytest.approx(expected, abs=0.01)


def test_a_share_is_uniform_at_the_high_end():
    times = draw(mean=-3.0, std=0.1, high_share=0.4, high_from=0.9)
    high = times[times > 0.9]
    assert len(high) / len(times) == pytest.approx(0.4, abs=0.02)
    assert float(high.mean()) == pytest.approx(0.95, abs=0.005)
    assert float(times.max()) < 1


def test_a_share_has_extreme_noise():
    times = draw(mean=-3.0, std=0.1, extreme_share=0.05)
    sigma = times / (1 - times)
    extreme = sigma[sigma > 100].log()
    assert len(extreme) / len(sigma) == pytest.approx(0.05, abs=0.01)
    assert float(extreme.mean()) == pytest.approx(math.log(200 * 1e5) / 2, abs=0.2)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'std': 0.0}, 'std'),
        ({'high_share': 1.5}, 'high_share'),
        ({'high_share': 0.7, 'extreme_share': 0.4}, 'extreme_share'),
    ],
)
def test_a_meaningless_distribution_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        NoiseConfig(**change)
