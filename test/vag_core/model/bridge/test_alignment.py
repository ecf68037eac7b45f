"""Latent frames on the action's time axis."""

import numpy as np
import torch

from vag_core.model.bridge.alignment import align, alignment, frame_centres


def test_latent_frames_are_centred_on_the_actions_they_cover():
    assert frame_centres(4).tolist() == [0.0, 2.5, 6.5, 10.5]


def test_alignment_interpolates_times_exactly_between_the_centres():
    steps = alignment(24, 96) @ torch.from_numpy(frame_centres(24)).float()
    np.testing.assert_allclose(steps[:91], np.arange(91), atol=1e-4)
    np.testing.assert_allclose(steps[91:], 90.5)


def test_a_frame_changes_only_the_steps_around_it():
    features = torch.zeros(1, 6, 2)
    features[:, 3] = 1
    changed = align(features, 24).abs().amax((0, 2))
    # Latent frame 3 is centred at 10.5, its neighbours at 6.5 and 14.5.
    assert changed.nonzero().flatten().tolist() == list(range(7, 15))
