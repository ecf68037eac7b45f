"""Latent frames on the action's time axis."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from vag_core.model.bridge.alignment import align, alignment


def centres(latent_frames):
    return [0.0, *(4 * k - 1.5 for k in range(1, latent_frames))]


@given(st.integers(1, 30), st.integers(1, 130))
def test_alignment_is_linear_interpolation_at_the_frame_centres(latent_frames, steps):
    values = np.random.default_rng(0).normal(size=latent_frames).astype(np.float32)
    expected = np.interp(np.arange(steps), centres(latent_frames), values)
    found = alignment(latent_frames, steps) @ torch.from_numpy(values)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_steps_past_the_last_centre_hold_its_value():
    times = alignment(24, 96) @ torch.tensor(centres(24))
    np.testing.assert_allclose(times[:91], np.arange(91), atol=1e-4)
    np.testing.assert_allclose(times[91:], 90.5)


def test_a_frame_changes_only_the_steps_around_it():
    features = torch.zeros(1, 6, 2)
    features[:, 3] = 1
    changed = align(features, 24).abs().amax((0, 2))
    # Latent frame 3 is centred at 10.5, its neighbours at 6.5 and 14.5.
    assert changed.nonzero().flatten().tolist() == list(range(7, 15))
