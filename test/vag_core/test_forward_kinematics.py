import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.kinematics import JointKind, KinematicTree

TWO_LINKS = """
<robot name="planar">
  <material name="steel"><color rgba="0.5 0.5 0.5 1"/></material>
  <link name="tip"/>
  <joint name="slide" type="prismatic">
    <parent link="arm"/><child link="tip"/><origin xyz="1 0 0"/><axis xyz="1 0 0"/>
    <mimic joint="turn" multiplier="0.5"/>
  </joint>
  <joint name="turn" type="revolute">
    <parent link="base"/><child link="arm"/><origin xyz="0 0 1" rpy="0 0 0"/><axis xyz="0 0 1"/>
  </joint>
  <link name="base"/>
  <link name="arm">
    <visual>
      <origin xyz="0.5 0 0" rpy="0 1.5707963 0"/>
      <geometry><cylinder radius="0.1" length="1"/></geometry><material name="steel"/>
    </visual>
  </link>
</robot>
"""


@given(st.floats(-3.0, 3.0))
def test_a_turning_link_carries_one_that_slides_with_it(angle):
    tip = KinematicTree(TWO_LINKS).poses({'turn': angle})['tip'][:3, 3]
    reach = 1 + angle / 2
    np.testing.assert_allclose(tip, [reach * np.cos(angle), reach * np.sin(angle), 1], atol=1e-12)


def test_many_positions_are_computed_at_once():
    tree = KinematicTree(TWO_LINKS)
    angles = np.linspace(-1, 1, 5)
    together = tree.poses({'turn': angles})['tip']
    assert together.shape == (5, 4, 4)
    np.testing.assert_allclose(together[3], tree.poses({'turn': angles[3]})['tip'])


def test_joints_come_in_the_order_of_their_links_whatever_that_of_the_file():
    tree = KinematicTree(TWO_LINKS)
    assert (tree.root, [j.name for j in tree.joints]) == ('base', ['turn', 'slide'])
    assert tree.moving_joints == ('turn',)
    assert tree.joints[1].kind is JointKind.PRISMATIC


def test_a_shape_keeps_its_size_place_and_colour():
    (shape,) = KinematicTree(TWO_LINKS).shapes['arm']
    assert shape.extent == (0.2, 0.2, 1.0)
    assert shape.colour == (0.5, 0.5, 0.5, 1.0)
    np.testing.assert_allclose(shape.pose[:3, 2], [1, 0, 0], atol=1e-6)


def test_a_missing_position_is_named():
    with pytest.raises(ValueError, match='positions: turn is missing'):
        KinematicTree(TWO_LINKS).poses({})


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('<robot', '<robot<', 'urdf: '),
        ('type="revolute"', 'type="ball"', "joint turn: type = 'ball' is not known"),
        ('<link name="base"/>', '<link name="base"/><link name="lost"/>', 'root links'),
        ('<cylinder radius="0.1" length="1"/>', '<mesh/>', "geometry 'mesh' is not known"),
    ],
)
def test_what_is_no_usable_urdf_is_refused(old, new, message):
    with pytest.raises(ValueError, match=message):
        KinematicTree(TWO_LINKS.replace(old, new))
