import numpy as np
import pytest

from vag_core.configuration import ConfigError
from vag_core.embodiment import ActionSpace, Embodiment, load_embodiment

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
    np.testing.assert_allclose(embodiment.from_robot([[1.5, 0.07]]), [[1.0, 1.0]])


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


@pytest.mark.parametrize(
    ('name', 'dimension', 'space'),
    [
        ('libero', 7, ActionSpace.END_EFFECTOR_DELTA),
        ('agibot', 16, ActionSpace.JOINT_POSITION),
    ],
)
def test_the_data_sets_of_the_paper_have_embodiments(name, dimension, space):
    embodiment = load_embodiment(name)
    assert (embodiment.dimension, embodiment.action_space) == (dimension, space)


def test_an_embodiment_can_be_a_file(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text('{name: mine, dimensions: [joint1], units: [rad]}')
    assert load_embodiment(path).name == 'mine'


def test_an_unknown_embodiment_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="embodiment = 'nowhere': known are agibot, libero"):
        load_embodiment('nowhere')
