"""KinematicTree: links, joints and shapes of a URDF, and where the links are at given positions.

Plain numpy, for displays and checks; lengths in m, angles in rad, poses as 4 x 4 matrices.
"""

import enum
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


class JointKind(enum.Enum):
    """The kinds of joint that are understood."""

    FIXED = 'fixed'
    REVOLUTE = 'revolute'
    PRISMATIC = 'prismatic'


class ShapeKind(enum.Enum):
    """The kinds of shape that are understood."""

    BOX = 'box'
    CYLINDER = 'cylinder'
    SPHERE = 'sphere'


@dataclass(frozen=True, eq=False)
class Shape:
    """One visual shape of a link.

    Attributes:
        kind: box, cylinder or sphere.
        extent: (x, y, z) m of its bounding box; a cylinder stands along z.
        pose: (4, 4) in the link's frame.
        colour: RGBA in 0..1.
    """

    kind: ShapeKind
    extent: tuple[float, float, float]
    pose: np.ndarray
    colour: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Joint:
    """One joint; ``leader`` names the joint it mimics and ``multiplier`` how, '' for none."""

    name: str
    kind: JointKind
    parent: str
    child: str
    origin: np.ndarray
    axis: np.ndarray
    leader: str = ''
    multiplier: float = 1.0


class KinematicTree:
    """A robot as its URDF describes it.

    Args:
        urdf: text of the URDF.

    Attributes:
        root: name of the link that hangs on no joint.
        joints: each after the one that carries its parent.
        shapes: visual shapes by link; every link is a key.

    Raises:
        ValueError: the text is no URDF, has no single root, or holds a kind that is not known.
    """

    def __init__(self, urdf: str) -> None:
        try:
            robot = ET.fromstring(urdf)
        except ET.ParseError as error:
            raise ValueError(f'urdf: {error}') from None
        colours = {item.get('name'): item for item in robot.findall('material')}
        self.shapes = {
            link.get('name'): tuple(_shape(v, colours) for v in link.findall('visual'))
            for link in robot.findall('link')
        }
        joints = [_joint(element) for element in robot.findall('joint')]
        roots = [link for link in self.shapes if link not in {j.child for j in joints}]
        if len(roots) != 1:
            raise ValueError(f'urdf: root links {roots}: expected one')
        self.root = roots[0]
        self.joints = _from_root(joints, self.root)

    @property
    def moving_joints(self) -> tuple[str, ...]:
        """Names of the joints whose positions :meth:`poses` asks for."""
        return tuple(j.name for j in self.joints if j.kind is not JointKind.FIXED and not j.leader)

    def poses(self, positions: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Return the pose (..., 4, 4) of every link in the root's frame.

        Args:
            positions: of every moving joint, rad or m, all of one shape (...); other names are
                ignored.

        Raises:
            ValueError: naming a joint without a position.
        """
        found = {self.root: np.eye(4)}
        for joint in self.joints:
            found[joint.child] = found[joint.parent] @ self.transform(joint, positions)
        return found

    def transform(self, joint: Joint, positions: Mapping[str, ArrayLike]) -> np.ndarray:
        """Return the pose (..., 4, 4) of a joint's child in its parent's frame."""
        if joint.kind is JointKind.FIXED:
            return joint.origin
        name = joint.leader or joint.name
        if name not in positions:
            raise ValueError(f'positions: {name} is missing')
        value = np.asarray(positions[name], dtype=float) * joint.multiplier
        if joint.kind is JointKind.PRISMATIC:
            motion = np.broadcast_to(np.eye(4), (*value.shape, 4, 4)).copy()
            motion[..., :3, 3] = value[..., None] * joint.axis
        else:
            motion = _rotation(joint.axis, value)
        return joint.origin @ motion


def _from_root(joints: list[Joint], root: str) -> tuple[Joint, ...]:
    """Order the joints depth first, so that each chain stays together."""
    ordered: list[Joint] = []

    def follow(link: str) -> None:
        for joint in joints:
            if joint.parent == link and joint not in ordered:
                ordered.append(joint)
                follow(joint.child)

    follow(root)
    lost = [joint.name for joint in joints if joint not in ordered]
    if lost:
        raise ValueError(f'urdf: joint {lost[0]} does not hang on {root}')
    return tuple(ordered)


def _joint(element: ET.Element) -> Joint:
    name, kind = element.get('name'), element.get('type')
    if kind not in {k.value for k in JointKind}:
        raise ValueError(f'urdf: joint {name}: type = {kind!r} is not known')
    axis = element.find('axis')
    mimic = element.find('mimic')
    return Joint(
        name=name,
        kind=JointKind(kind),
        parent=element.find('parent').get('link'),
        child=element.find('child').get('link'),
        origin=_origin(element),
        axis=np.array([1.0, 0.0, 0.0]) if axis is None else _numbers(axis.get('xyz')),
        leader='' if mimic is None else mimic.get('joint'),
        multiplier=1.0 if mimic is None else float(mimic.get('multiplier', '1')),
    )


def _shape(visual: ET.Element, colours: Mapping[str, ET.Element]) -> Shape:
    (geometry,) = visual.find('geometry')
    if geometry.tag == 'box':
        extent = _numbers(geometry.get('size'))
    elif geometry.tag == 'cylinder':
        width = 2 * float(geometry.get('radius'))
        extent = [width, width, float(geometry.get('length'))]
    elif geometry.tag == 'sphere':
        extent = [2 * float(geometry.get('radius'))] * 3
    else:
        raise ValueError(f'urdf: geometry {geometry.tag!r} is not known')
    material = visual.find('material')
    colour = colours.get(material.get('name'), material).find('color')
    return Shape(
        kind=ShapeKind(geometry.tag),
        extent=tuple(float(value) for value in extent),
        pose=_origin(visual),
        colour=tuple(_numbers(colour.get('rgba')).tolist()),
    )


def _origin(element: ET.Element) -> np.ndarray:
    """Return the pose of an element's origin: rpy turns about the fixed axes x, y, z."""
    pose, origin = np.eye(4), element.find('origin')
    if origin is not None:
        roll, pitch, yaw = _numbers(origin.get('rpy', '0 0 0'))
        for axis, angle in zip(np.eye(3)[::-1], (yaw, pitch, roll), strict=True):
            pose = pose @ _rotation(axis, np.asarray(angle))
        pose[:3, 3] = _numbers(origin.get('xyz', '0 0 0'))
    return pose


def _rotation(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the rotation (..., 4, 4) by ``angle`` (...) about a unit ``axis`` (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    sine, cosine = np.sin(angle)[..., None, None], np.cos(angle)[..., None, None]
    pose = np.zeros((*np.shape(angle), 4, 4))
    pose[..., :3, :3] = np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross)
    pose[..., 3, 3] = 1.0
    return pose


def _numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split()])
