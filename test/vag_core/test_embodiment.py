import numpy as np
import pytest

from vag_core.configuration import ConfigError
from vag_core.embodiment import ActionSpace, Embodiment

LIBERO = Embodiment(
    name='libero',
    dimensions=('x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'),
    units=('m', 'm', 'm', 'rad', 'rad', 'rad', 'normalised'),
    action_space=ActionSpace.END_EFFECTOR_DELTA,
)


def test_an_embodiment_may_have_any_number_of_dimensions():
    assert LIBERO.dimension == 7


def test_without_an_affine_actions_are_the_robots_own():
    actions = np.arange(14.0).reshape(2, 7)
    np.testing.assert_array_equal(LIBERO.to_robot(actions), actions)


def test_the_affine_maps_each_dimension():
    embodiment = Embodiment(
        name='one_arm',
        dimensions=('joint1', 'gripper'),
        units=('rad', 'normalised'),
        robot_scale=(1.0, 0.07),
        robot_offset=(0.5, 0.0),
    )
    np.testing.assert_allclose(embodiment.to_robot([[1.0, 1.0]]), [[1.5, 0.07]])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'dimensions': ()}, 'dimensions: at least one'),
        ({'dimensions': ('a', 'a')}, 'unique'),
        ({'units': ('rad',)}, 'units: 1 values for 2'),
        ({'units': ('rad', 'inch')}, "b has 'inch'"),
        ({'robot_scale': (1.0,)}, 'robot_scale: 1 values for 2'),
        ({'robot_scale': (1.0, 0.0)}, 'robot_scale'),
        ({'robot_offset': (1.0, float('nan'))}, 'robot_offset'),
    ],
)
def test_a_contradiction_is_refused_naming_the_field(change, message):
    fields = {'name': 'e', 'dimensions': ('a', 'b'), 'units': ('rad', 'm'), **change}
    with pytest.raises(ConfigError, match=message):
        Embodiment(**fields)
