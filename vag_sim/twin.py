"""Twin: the simulated Cobot Magic in one scene, moved by joint commands, seen through cameras.

Joint vectors are (D,) in the order of the profile's joint names: rad, and metres of opening for
the grippers.
"""

import threading
from collections.abc import Callable

import mujoco
import numpy as np

from vag_core.robot import RobotProfile, load_profile
from vag_sim.gl import require_backend
from vag_sim.model import JOINTS, build_model
from vag_sim.motion import ROUNDING, check_limits, command_curve, hard_limits
from vag_sim.tasks.task import FPS, Task

CONTROL_PERIOD = 0.005


class Twin:
    """The robot, a task's scene and the cameras.

    One thread may step while another renders. All calls of :meth:`render` and :meth:`close` belong
    to one thread, because an OpenGL context does. Demonstrations and the ROS node use this same
    renderer.
    """

    def __init__(self, task: Task, seed: int, profile: RobotProfile | None = None):
        self.task = task
        self.seed = seed
        self.profile = profile or load_profile('sim')
        self.scene = task.sample(seed, self.profile)
        self.model = build_model(self.profile, self.scene)
        self._data = mujoco.MjData(self.model)
        self._lock = threading.Lock()
        self._renderer: mujoco.Renderer | None = None
        self._addresses()
        self.reset()

    def _addresses(self) -> None:
        model, names = self.model, self.profile.joint_names
        self._is_gripper = self.profile.is_gripper
        self._low, self._high = hard_limits(self.profile)
        arms = [f'{arm.name}_' for arm in self.profile.arms]
        joints = [model.joint(f'{arm}{joint}') for arm in arms for joint in JOINTS[:-1]]
        self._qpos = np.array([int(joint.qposadr[0]) for joint in joints])
        self._dofs = np.array([int(joint.dofadr[0]) for joint in joints])
        fingers = [model.joint(f'{arm}finger{i}') for arm in arms for i in (1, 2)]
        self._fingers = [int(finger.qposadr[0]) for finger in fingers]
        if model.nu != len(names):
            raise ValueError(
                f'profile {self.profile.name}: {len(names)} joints, the twin has {model.nu}'
            )

    def reset(self) -> None:
        """Put objects and arms back to the scene's start, at rest, and hold there."""
        start = np.clip(self.scene.start_pose(self.profile.home_position), self._low, self._high)
        with self._lock:
            mujoco.mj_resetData(self.model, self._data)
            self._data.qpos[self._qpos] = start[~self._is_gripper]
            self._data.qpos[self._fingers] = np.repeat(start[self._is_gripper] / 2, 2)
            self._data.ctrl[:] = start
            mujoco.mj_forward(self.model, self._data)

    @property
    def time(self) -> float:
        """Simulated seconds since the start."""
        return self._data.time

    def joint_state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Measured positions, velocities and actuator efforts (N m, grippers N), (D,) each."""
        data = self._data
        with self._lock:
            position = self._vector(data.qpos[self._qpos], data.ten_length)
            velocity = self._vector(data.qvel[self._dofs], data.ten_velocity)
            return position, velocity, data.actuator_force.copy()

    @property
    def position(self) -> np.ndarray:
        """(D,) measured joint positions."""
        return self.joint_state()[0]

    @property
    def velocity(self) -> np.ndarray:
        """(D,) measured joint velocities."""
        return self.joint_state()[1]

    def _vector(self, joints: np.ndarray, grippers: np.ndarray) -> np.ndarray:
        values = np.empty(len(self._is_gripper))
        values[~self._is_gripper] = joints
        values[self._is_gripper] = grippers
        return values

    @property
    def command(self) -> np.ndarray:
        """(D,) present target of the position controllers."""
        with self._lock:
            return self._data.ctrl.copy()

    @command.setter
    def command(self, target: np.ndarray) -> None:
        """Set the target; ValueError and no change when it is not finite or outside a limit."""
        target = np.asarray(target, dtype=float)
        if not self._allowed(target):
            check_limits(target[None], self.profile)
        with self._lock:
            self._data.ctrl[:] = target

    def _allowed(self, target: np.ndarray) -> bool:
        """Say quickly what :func:`check_limits` explains; commands come at control rate."""
        if target.shape != self._low.shape:
            return False
        above, below = target >= self._low - ROUNDING, target <= self._high + ROUNDING
        return bool((above & below).all())

    def step(self, seconds: float) -> None:
        """Advance the physics by ``seconds``, rounded to whole time steps."""
        with self._lock:
            mujoco.mj_step(self.model, self._data, nstep=round(seconds / self.model.opt.timestep))

    def execute(
        self,
        actions: np.ndarray,
        fps: float = FPS,
        on_action: Callable[[int], None] | None = None,
    ) -> None:
        """Command (T, D) actions at ``fps`` along their cubic, as a replay does, for T / fps s.

        ``on_action(k)`` is called when action k is due, before the arms move on from it.
        """
        check_limits(np.asarray(actions), self.profile)
        curve = command_curve(actions, fps)
        ticks = round(1.0 / (fps * CONTROL_PERIOD))
        for k in range(len(actions)):
            for tick in range(ticks):
                moment = min(k / fps + tick * CONTROL_PERIOD, (len(actions) - 1) / fps)
                self.command = np.clip(curve(moment), self._low, self._high)
                if tick == 0 and on_action is not None:
                    on_action(k)
                self.step(CONTROL_PERIOD)

    def object_position(self, name: str) -> np.ndarray:
        """(3,) position of the object's centre (a bowl's foot) in the world, m."""
        with self._lock:
            return self._data.body(name).xpos.copy()

    def object_rotation(self, name: str) -> np.ndarray:
        """(3, 3) rotation of the object in the world."""
        with self._lock:
            return self._data.body(name).xmat.reshape(3, 3).copy()

    def tool_position(self, arm: str) -> np.ndarray:
        """(3,) point between the fingertips of ``arm`` in the world, m."""
        with self._lock:
            return self._data.site(f'{arm}_tcp').xpos.copy()

    def success(self) -> bool:
        """Say whether the task is accomplished now."""
        return self.task.succeeded(self)

    def render(self, camera: str) -> np.ndarray:
        """Return what the camera with this key sees: (H, W, 3) uint8 RGB.

        Only the head camera's view has shadows: they take most of the time of a frame.
        """
        if self._renderer is None:
            require_backend()
            width, height = self.scene.picture
            self._renderer = mujoco.Renderer(self.model, height, width)
        with self._lock:
            self._renderer.update_scene(self._data, camera)
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = camera == self.profile.camera.key
        return self._renderer.render()

    def close(self) -> None:
        """Free the renderer; an open one prints a traceback when Python exits."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def __enter__(self) -> 'Twin':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
