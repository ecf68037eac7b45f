"""Results made by hand."""

import pytest

from vag_sim.evaluation.results import Result

PLAIN = Result(
    method='vag',
    identity='abc',
    split='scenes',
    task='lift_cube',
    seed=0,
    sampler_seed=0,
    instruction='left arm: lift the red cube',
    arms=('left',),
    target='red_cube',
    container='',
    success=True,
    refused='',
    moved_arms=('left',),
    right_arm=True,
    chosen='red_cube',
    right_object=True,
    target_error_mm=5.0,
    distance=0.3,
    entries_within=0.9,
    frames_within=0.5,
    strokes_distance=0.4,
    strokes_entries_within=0.8,
    strokes_frames_within=0.4,
)


@pytest.fixture
def plain():
    """One successful result."""
    return PLAIN
