"""TwinClearance: how close the arms come to each other, to the table and to the robot's own body.

It answers the planner's question (:class:`vag_core.safety.clearance.Clearance`) from the twin's
geometry: the whole cell for the simulated robot; for a real one its two arms on the bases that the
profile's workcell gives, and an endless table. Objects on the table are no part of it: fingers are
meant to touch those. Links of the same arm are not compared; joint limits keep them apart.
"""

import mujoco
import numpy as np

from vag_core.robot import RobotProfile, load_profile
from vag_core.safety.clearance import Nearest
from vag_sim.model import JOINTS, build_arms, build_model
from vag_sim.scene import Scene

SURROUNDINGS = ('body', 'table')
ON_THE_PLATE = ('base', 'link1')
"""Links that stand on the robot's body, beside the table, and can't be moved against either."""


class TwinClearance:
    """Distances between the bodies of the twin; no rendering.

    For each pose, bounding spheres give a lower bound for every pair of shapes; exact distances
    (GJK) are computed in the order of these bounds until none can be smaller.
    """

    def __init__(self, profile: RobotProfile | None = None):
        self._profile = profile or load_profile('sim')
        self._model = (
            build_model(self._profile, Scene(objects=()))
            if self._profile.simulated
            else build_arms(self._profile)
        )
        self._data = mujoco.MjData(self._model)
        arms = [f'{arm.name}_' for arm in self._profile.arms]
        joints = [self._model.joint(f'{arm}{joint}') for arm in arms for joint in JOINTS[:-1]]
        fingers = [self._model.joint(f'{arm}finger{i}') for arm in arms for i in (1, 2)]
        self._qpos = [int(joint.qposadr[0]) for joint in joints]
        self._finger_qpos = [int(joint.qposadr[0]) for joint in fingers]
        self._body_of = [self._model.body(int(b)).name for b in self._model.geom_bodyid]
        left, right = (self._geoms(arm) for arm in arms)
        boxes = [i for i, body in enumerate(self._body_of) if body in SURROUNDINGS]
        around = [
            (geom, box) for geom in left + right for box in boxes if self._compared(geom, box)
        ]
        self._between = np.array([(a, b) for a in left for b in right])
        self._around = np.array(around)
        self._pairs = np.concatenate([self._between, self._around])
        self._finger_on_table = np.array(
            ['finger' in self._body_of[a] and self._body_of[b] == 'table' for a, b in self._pairs]
        )
        safety = self._profile.safety
        self._required = np.full(len(self._pairs), safety.min_clearance_m)
        self._required[: len(self._between)] = safety.min_clearance_arms_m
        self._required[self._finger_on_table] = safety.min_clearance_fingers_m

    def _geoms(self, prefix: str) -> list[int]:
        return [i for i, body in enumerate(self._body_of) if body.startswith(prefix)]

    def _compared(self, geom: int, box: int) -> bool:
        link = self._body_of[geom].split('_', 1)[1]
        return bool(self._model.geom_contype[box]) and link not in ON_THE_PLATE

    def nearest(self, positions: np.ndarray) -> Nearest:
        """Return the tightest pair for each row of ``positions`` (N, D) in rad and m.

        Raises:
            ValueError: the shape is wrong or a number is not finite.
        """
        positions = np.asarray(positions, dtype=float)
        joints = len(self._profile.joint_names)
        if positions.ndim != 2 or positions.shape[1] != joints:
            raise ValueError(f'positions: shape {positions.shape}, expected (N, {joints})')
        bad = np.argwhere(~np.isfinite(positions))
        if len(bad):
            row, joint = bad[0]
            name = self._profile.joint_names[joint]
            raise ValueError(f'positions[{row}]: {name} = {positions[row, joint]}: must be finite')
        found = [self._tightest_pair(position) for position in positions]
        return Nearest(
            distance=np.array([distance for distance, _ in found]),
            bodies=[tuple(self._body_of[geom] for geom in self._pairs[pair]) for _, pair in found],
            required=np.array([self._required[pair] for _, pair in found]),
        )

    def _tightest_pair(self, position: np.ndarray) -> tuple[float, int]:
        """Return the distance and the index of the pair with the least room.

        Fingers near the table count only where they are nearer than they may.
        """
        gripper = np.asarray(self._profile.is_gripper)
        self._data.qpos[self._qpos] = position[~gripper]
        self._data.qpos[self._finger_qpos] = np.repeat(position[gripper] / 2, 2)
        mujoco.mj_kinematics(self._model, self._data)
        bounds = self._lower_bounds() - self._required
        least, tightest, distance = np.inf, 0, np.inf
        for index in np.argsort(bounds):
            if bounds[index] >= least:
                break
            required = self._required[index]
            found = mujoco.mj_geomDistance(
                self._model, self._data, *self._pairs[index], min(least + required, 10.0), None
            )
            if self._finger_on_table[index] and found >= required:
                continue
            if found - required < least:
                least, tightest, distance = found - required, index, found
        return distance, tightest

    def _lower_bounds(self) -> np.ndarray:
        """(P,) m: no pair of shapes is nearer than this."""
        centre, radius = self._data.geom_xpos, self._model.geom_rbound
        first, second = self._between.T
        apart = np.linalg.norm(centre[first] - centre[second], axis=1)
        between = apart - radius[first] - radius[second]
        geom, box = self._around.T
        frames = self._data.geom_xmat[box].reshape(-1, 3, 3)
        local = np.einsum('pji,pj->pi', frames, centre[geom] - centre[box])
        beyond = np.abs(local) - self._model.geom_size[box]
        outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=1)
        depth = np.minimum(beyond.max(axis=1), 0.0)
        return np.concatenate([between, outside + depth - radius[geom]])


def clearance_of(profile: RobotProfile) -> TwinClearance | None:
    """Return the geometry of a robot whose arms are where it knows them to be, else None.

    It is the entry point ``vag.clearance`` of this layer.
    """
    return TwinClearance(profile) if profile.simulated or profile.workcell else None
