import dataclasses

import numpy as np
import pytest

from vag_core.robot import RobotProfile, load_profile
from vag_core.safety.request import TrajectoryRequest


@pytest.fixture(scope='session')
def profile() -> RobotProfile:
    """The simulated robot with the tolerances of real ones, and no demand for clearance."""
    sim = load_profile('sim')
    safety = dataclasses.replace(
        sim.safety, clearance_required=False, path_tolerance=0.2, retreat_max=0.5
    )
    return dataclasses.replace(sim, safety=safety)


@pytest.fixture
def wave(profile):
    """93 points at 10 Hz, 14 joints: a smooth swing that begins 0.01 rad away from home."""
    times = np.arange(93) * 0.1
    inward = np.where(profile.is_gripper, -0.03, 0.3) * np.where(profile.home_position < 0, -1, 1)
    positions = profile.home_position + inward * (1 - np.cos(0.9 * times[:, None])) / 2
    positions[:, 0] += 0.01
    return TrajectoryRequest(profile.joint_names, positions.tolist(), times.tolist())
