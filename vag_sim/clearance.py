"""TwinClearance: how close the arms come to each other, to the table and to the robot's own body.

It answers the planner's question (:class:`vag_core.safety.clearance.Clearance`) from the twin's
geometry. Objects on the table are no part of it: fingers are meant to touch those. Fingers may
also come as near to the table as they like: with it they count only where they penetrate.
Links of the same arm are not compared; joint limits keep them apart.
"""

import mujoco
import numpy as np

from vag_core.robot import RobotProfile, load_profile
from vag_core.safety.clearance import Nearest
from vag_sim.model import JOINTS, build_model
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
        self._model = build_model(self._profile, Scene(objects=()))
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
        self._finger_on_table = [
            'finger' in self._body_of[a] and self._body_of[b] == 'table' for a, b in self._pairs
        ]

    def _geoms(self, prefix: str) -> list[int]:
        return [i for i, body in enumerate(self._body_of) if body.startswith(prefix)]

    def _compared(self, geom: int, box: int) -> bool:
        link = self._body_of[geom].split('_', 1)[1]
        return bool(self._model.geom_contype[box]) and link not in ON_THE_PLATE

    def nearest(self, positions: np.ndarray) -> Nearest:
        """Return the nearest pair for each row of ``positions`` (N, 14) in rad and m.

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
        found = [self._nearest_pair(position) for position in positions]
        return Nearest(
            distance=np.array([distance for distance, _ in found]),
            bodies=[bodies for _, bodies in found],
        )

    def _nearest_pair(self, position: np.ndarray) -> tuple[float, tuple[str, str]]:
        gripper = np.asarray(self._profile.is_gripper)
        self._data.qpos[self._qpos] = position[~gripper]
        self._data.qpos[self._finger_qpos] = np.repeat(position[gripper] / 2, 2)
        mujoco.mj_kinematics(self._model, self._data)
        bounds = self._lower_bounds()
        best, nearest = np.inf, 0
        for index in np.argsort(bounds):
            if bounds[index] >= best:
                break
            first, second = self._pairs[index]
            distance = mujoco.mj_geomDistance(
                self._model, self._data, first, second, min(best, 10.0), None
            )
            if self._finger_on_table[index] and distance >= 0:
                continue
            if distance < best:
                best, nearest = distance, index
        first, second = self._pairs[nearest]
        return best, (self._body_of[first], self._body_of[second])

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
    """Return the twin's geometry for a simulated robot, None for a robot it does not know.

    It is the entry point ``vag.clearance`` of this layer.
    """
    return TwinClearance(profile) if profile.simulated else None
