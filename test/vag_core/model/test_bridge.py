"""What the action stream sees of the video latent."""

import numpy as np
import torch

from vag_core.model.bridge import (
    AlignedBridge,
    BridgeConfig,
    BridgeKind,
    GlobalBridge,
    alignment,
    frame_centres,
    tile,
)


def test_the_global_bridge_is_the_mean_tiled_to_132():
    latent = torch.randn(2, 16, 5, 4, 6)
    condition, aligned = GlobalBridge(BridgeConfig())(latent, 20)
    assert aligned is None
    expected = latent.mean((2, 3, 4))[:, [i % 16 for i in range(132)]]
    torch.testing.assert_close(condition, expected)


def test_tiling_repeats_the_first_four_channels_nine_times_and_the_others_eight():
    copies = torch.bincount(tile(torch.arange(16.0)[None], 132)[0].long())
    assert copies.tolist() == [9] * 4 + [8] * 12


def test_the_clean_frame_can_be_left_out_of_the_average():
    latent = torch.zeros(1, 16, 5, 4, 6)
    latent[:, :, 0] = 7
    assert not GlobalBridge(BridgeConfig(generated_only=True))(latent, 20)[0].any()


def test_latent_frames_are_centred_on_the_actions_they_cover():
    assert frame_centres(4).tolist() == [0.0, 2.5, 6.5, 10.5]


def test_alignment_interpolates_times_exactly_between_the_centres():
    steps = alignment(24, 96) @ torch.from_numpy(frame_centres(24)).float()
    np.testing.assert_allclose(steps[:91], np.arange(91), atol=1e-4)
    np.testing.assert_allclose(steps[91:], 90.5)


def test_the_aligned_bridge_gives_one_condition_per_step():
    cfg = BridgeConfig(kind=BridgeKind.ALIGNED, grid=(2, 3), channels=7)
    bridge = AlignedBridge(cfg, 16)
    condition, aligned = bridge(torch.randn(2, 16, 6, 4, 6), 24)
    assert condition is None
    assert aligned.shape == (2, 24, 7)


def test_a_latent_frame_changes_only_the_steps_around_it():
    cfg = BridgeConfig(kind=BridgeKind.ALIGNED, grid=(2, 3), channels=7)
    bridge = AlignedBridge(cfg, 16)
    latent = torch.zeros(1, 16, 6, 4, 6)
    changed = latent.clone()
    changed[:, :, 3] = 1
    difference = (bridge(changed, 24)[1] - bridge(latent, 24)[1]).abs().amax((0, 2))
    # Latent frame 3 is centred at 10.5, its neighbours at 6.5 and 14.5.
    assert difference.nonzero().flatten().tolist() == list(range(7, 15))
