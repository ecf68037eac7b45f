"""The shipped URDF and the MuJoCo twin are the same robot."""

import dataclasses

import mujoco
import numpy as np
import pytest

from vag_core.kinematics import KinematicTree, ShapeKind
from vag_core.robot import load_profile
from vag_core.robot_description import describe
from vag_core.workcell import BasePose, Workcell
from vag_sim.model import JOINTS, build_arms, build_model
from vag_sim.scene import Scene

TOLERANCE = 1e-4
PROFILE = load_profile('sim')


def twin_poses(model, position):
    """Poses of all bodies of the twin at (14,) trajectory joints."""
    data = mujoco.MjData(model)
    for index, name in enumerate(PROFILE.joint_names):
        arm, joint = name.split('_', 1)
        if joint in JOINTS[:-1]:
            data.qpos[model.joint(name).qposadr[0]] = position[index]
        else:
            for finger in (1, 2):
                data.qpos[model.joint(f'{arm}_finger{finger}').qposadr[0]] = position[index] / 2
    mujoco.mj_kinematics(model, data)
    poses = {}
    for body in range(1, model.nbody):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = data.xmat[body].reshape(3, 3), data.xpos[body]
        poses[model.body(body).name] = pose
    for arm in ('left', 'right'):
        poses[f'{arm}_tcp'] = data.site(f'{arm}_tcp').xpos.copy()
    return poses


def random_positions(count, seed=0):
    draw = np.random.default_rng(seed)
    return draw.uniform(PROFILE.lower, PROFILE.upper, (count, len(PROFILE.joint_names)))


def test_every_link_stands_where_the_twin_has_it():
    tree = KinematicTree(describe(PROFILE))
    model = build_model(PROFILE, Scene(objects=()))
    positions = random_positions(50)
    ours = tree.poses(dict(zip(PROFILE.joint_names, positions.T, strict=True)))
    for row, position in enumerate(positions):
        for body, theirs in twin_poses(model, position).items():
            pose = np.broadcast_to(ours[body], (len(positions), 4, 4))[row]
            if theirs.shape == (3,):
                np.testing.assert_allclose(pose[:3, 3], theirs, atol=TOLERANCE)
            else:
                np.testing.assert_allclose(pose, theirs, atol=TOLERANCE)


def test_every_shape_of_the_arms_is_one_of_the_twin():
    tree = KinematicTree(describe(PROFILE))
    model = build_model(PROFILE, Scene(objects=()))
    for link, shapes in tree.shapes.items():
        for shape in shapes:
            if shape.kind is ShapeKind.SPHERE:  # the ends of the twin's capsules
                continue
            half = np.array(shape.extent) / 2
            expected = half if shape.kind is ShapeKind.BOX else half[[0, 2]]
            assert any(
                np.allclose(model.geom_pos[geom], shape.pose[:3, 3], atol=TOLERANCE)
                and np.allclose(model.geom_size[geom][: len(expected)], expected, atol=TOLERANCE)
                for geom in np.flatnonzero(model.geom_bodyid == model.body(link).id)
            ), (link, shape)


@pytest.mark.parametrize('yaw', [0.0, 0.4])
def test_the_arms_of_a_real_robot_stand_on_the_bases_of_its_workcell(tmp_path, yaw):
    source = load_profile('agilex')
    bases = {
        'left': BasePose(position=(0.1, 0.4, 0.8), yaw=yaw),
        'right': BasePose(position=(0.0, -0.2, 0.7), yaw=-yaw),
    }
    profile = dataclasses.replace(source, workcell=Workcell(bases=bases, table_height=0.75))
    tree = KinematicTree(describe(profile))
    position = random_positions(1)[0]
    ours = tree.poses(dict(zip(profile.joint_names, position, strict=True)))
    theirs = twin_poses(build_arms(profile), position)
    assert 'table' not in ours
    for arm in ('left', 'right'):
        np.testing.assert_allclose(ours[f'{arm}_tcp'][:3, 3], theirs[f'{arm}_tcp'], atol=TOLERANCE)
