"""The mirror of the small model's training against the arms of the twin."""

import numpy as np
import pytest

from vag_core import resources
from vag_core.configuration import load
from vag_core.robot import load_profile
from vag_core.train.mirror import mirrored_values
from vag_core.train.recipe import Recipe
from vag_sim.kinematics import ArmKinematics


@pytest.mark.parametrize('seed', range(3))
def test_a_mirrored_pose_is_where_the_mirror_shows_the_other_arm(seed):
    profile = load_profile('sim')
    recipe = load(Recipe, resources.find('config/models/small.yaml'))
    pose = np.random.default_rng(seed).uniform(profile.lower, profile.upper)
    mirrored = mirrored_values(pose, recipe.training.mirror)
    left = ArmKinematics(profile, 'left').tool(pose[:6])
    right = ArmKinematics(profile, 'right').tool(mirrored[7:13])
    flip = np.diag([1.0, -1.0, 1.0])
    np.testing.assert_allclose(right[0], flip @ left[0], atol=1e-4)
    np.testing.assert_allclose(right[1], flip @ left[1] @ flip, atol=1e-4)
