"""Forward and inverse kinematics of one arm of the twin; no rendering.

The tool frame is the ``tcp`` site: origin between the fingertips, z along the approach, y along
the direction in which the fingers open.
"""

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from vag_core.robot import RobotProfile
from vag_sim.model import JOINTS, build_model
from vag_sim.scene import Scene

DAMPING = 0.03
STEPS = 200
PATIENCE, STALLED = 20, 0.8
"""The solver gives up when PATIENCE steps leave more than this share of the error."""
POSITION_TOLERANCE = 5e-4
ROTATION_TOLERANCE = 2e-3


class ArmKinematics:
    """Kinematics of the six revolute joints of one arm: rad, and positions in the world in m."""

    def __init__(self, profile: RobotProfile, arm: str):
        self.profile = profile
        self._model = build_model(profile, Scene(objects=()))
        self._data = mujoco.MjData(self._model)
        joints = [self._model.joint(f'{arm}_{joint}') for joint in JOINTS[:-1]]
        self._qpos = [int(joint.qposadr[0]) for joint in joints]
        self._dofs = [int(joint.dofadr[0]) for joint in joints]
        self._site = self._model.site(f'{arm}_tcp').id
        self._flange = self._model.site(f'{arm}_flange').id
        which = [item.name for item in profile.arms].index(arm)
        inside = profile.arm_slice(profile.arms[which])
        self._lower, self._upper = profile.lower[inside][:-1], profile.upper[inside][:-1]
        self.base = self._model.body(f'{arm}_base').pos.copy()

    def flange(self, joints: np.ndarray) -> np.ndarray:
        """(3,) flange position at ``joints`` (6,)."""
        self._update(joints)
        return self._data.site_xpos[self._flange].copy()

    def tool(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tool position (3,) and rotation matrix (3, 3) at ``joints`` (6,)."""
        self._update(joints)
        return (
            self._data.site_xpos[self._site].copy(),
            self._data.site_xmat[self._site].reshape(3, 3).copy(),
        )

    def solve(
        self, position: np.ndarray, rotation: np.ndarray, seed: np.ndarray
    ) -> np.ndarray | None:
        """Joints (6,) inside the profile's margins that reach the tool pose, or None.

        Damped least squares (Wampler, 1986) from ``seed`` (6,), clipped to the limits each step.
        """
        joints = np.clip(seed, self._lower, self._upper)
        jacobian = np.zeros((6, self._model.nv))
        last = np.inf
        for step in range(STEPS):
            reached, frame = self.tool(joints)
            error = np.concatenate([position - reached, _rotation_vector(rotation @ frame.T)])
            if (
                np.linalg.norm(error[:3]) < POSITION_TOLERANCE
                and np.linalg.norm(error[3:]) < ROTATION_TOLERANCE
            ):
                return joints
            if step % PATIENCE == 0:
                size = float(np.linalg.norm(error))
                if size > STALLED * last:
                    return None
                last = size
            mujoco.mj_comPos(self._model, self._data)
            mujoco.mj_jacSite(self._model, self._data, jacobian[:3], jacobian[3:], self._site)
            local = jacobian[:, self._dofs]
            move = local.T @ np.linalg.solve(local @ local.T + DAMPING**2 * np.eye(6), error)
            joints = np.clip(joints + np.clip(move, -0.2, 0.2), self._lower, self._upper)
        return None

    def _update(self, joints: np.ndarray) -> None:
        self._data.qpos[self._qpos] = joints
        mujoco.mj_kinematics(self._model, self._data)


class Arms:
    """Kinematics of a robot's arms by name; kept, since compiling one takes longer than a plan."""

    def __init__(self) -> None:
        self._known: dict[str, ArmKinematics] = {}

    def of(self, profile: RobotProfile, name: str) -> ArmKinematics:
        """Return the kinematics of the arm called ``name``."""
        if name not in self._known or self._known[name].profile is not profile:
            self._known[name] = ArmKinematics(profile, name)
        return self._known[name]


def downward(finger_yaw: float, heading: float = 0.0, lean: float = 0.0) -> np.ndarray:
    """Tool rotation (3, 3) that approaches from above, fingers opening along ``finger_yaw``.

    ``lean`` rad tilts the approach from straight down towards the direction ``heading``.
    """
    opening = np.array([np.cos(finger_yaw), np.sin(finger_yaw), 0.0])
    approach = np.array([0.0, 0.0, -1.0])
    upright = np.stack([np.cross(opening, approach), opening, approach], axis=1)
    axis = np.array([np.sin(heading), -np.cos(heading), 0.0])
    return Rotation.from_rotvec(lean * axis).as_matrix() @ upright


def _rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle (3,) of a rotation matrix."""
    quaternion, vector = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quaternion, rotation.ravel())
    mujoco.mju_quat2Vel(vector, quaternion, 1.0)
    return vector
