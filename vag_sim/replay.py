"""Replay actions in the scene of a seed and judge them by the state that they leave behind."""

import dataclasses
from collections.abc import Callable

import numpy as np

from vag_core.robot import RobotProfile, load_profile
from vag_core.safety.approach import approach_ramp, start_pose
from vag_core.safety.outcome import Refusal
from vag_core.safety.request import TrajectoryRequest, check_request
from vag_sim.motion import ROUNDING
from vag_sim.tasks import FPS, Task, make_task
from vag_sim.twin import CONTROL_PERIOD, Twin


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a replay came to; lengths in m, angles in rad.

    Attributes:
        task, seed, instruction: what was asked for.
        success: whether the task is accomplished at the end.
        refused: why nothing was carried out, else empty.
        measures: what success was judged by.
        closest_m: by object, how near a tool of the goal's arms came to its centre.
        moved_m: by object, how far it lies from where it was.
        travel_rad: by arm, the largest excursion of a revolute joint from the first action on.
    """

    task: str
    seed: int
    instruction: str
    success: bool
    refused: str = ''
    measures: dict[str, float] = dataclasses.field(default_factory=dict)
    closest_m: dict[str, float] = dataclasses.field(default_factory=dict)
    moved_m: dict[str, float] = dataclasses.field(default_factory=dict)
    travel_rad: dict[str, float] = dataclasses.field(default_factory=dict)


def replay(
    task: Task | str,
    seed: int,
    actions: np.ndarray,
    fps: float = FPS,
    *,
    camera: str = '',
    profile: RobotProfile | None = None,
    on_action: Callable[[int, Twin], None] | None = None,
) -> tuple[Verdict, np.ndarray | None]:
    """Carry out (T, D) actions at ``fps`` and judge; with ``camera``, return (T, H, W, 3) frames.

    As on the robot, a position a little outside a limit is moved onto it, a farther one is
    refused, and arms that stand elsewhere than at the first action are led there first. Speeds
    are as requested: the replay server alone slows a motion down. ``on_action(k, twin)`` is called
    when action k is due, before the arms move on from it.

    Raises:
        ValueError: the task, seed, camera or the shape of the actions is unknown.
    """
    task = make_task(task) if isinstance(task, str) else task
    profile = profile or load_profile('sim')
    actions = np.asarray(actions)
    joints = len(profile.joint_names)
    if actions.ndim != 2 or actions.shape[1] != joints or len(actions) < 2:
        raise ValueError(f'actions: shape {actions.shape}, expected (T, {joints}) with T >= 2')
    known = [view.key for view in (profile.camera, *profile.other_cameras)]
    if camera and camera not in known:
        raise ValueError(f'camera = {camera!r}: known are {", ".join(known)}')
    with Twin(task, seed, profile) as twin:
        checked = _accepted(actions, fps, twin)
        if isinstance(checked, Refusal):
            verdict = Verdict(task.name, seed, twin.scene.instruction, False, checked.message)
            return verdict, None
        watch = _Watch(twin, camera, on_action)
        _approach(twin, checked[0])
        twin.execute(checked, fps, watch)
        return watch.verdict(), np.stack(watch.frames) if camera else None


def request_of(actions: np.ndarray, fps: float, profile: RobotProfile) -> TrajectoryRequest:
    """Return what the replay server would be asked for: (T, D) actions at ``fps``."""
    return TrajectoryRequest(
        joint_names=profile.joint_names,
        positions=actions.tolist(),
        times=(np.arange(len(actions)) / fps).tolist(),
    )


def _accepted(actions: np.ndarray, fps: float, twin: Twin) -> np.ndarray | Refusal:
    """Return the actions inside the limits, or why the robot would not start on them.

    What is inside but for rounding stays as it is, bit by bit.
    """
    checked = check_request(request_of(actions, fps, twin.profile), twin.profile)
    if isinstance(checked, Refusal):
        return checked
    start = start_pose(twin.position, checked.positions[0], twin.profile)
    if isinstance(start, Refusal):
        return start
    outside = np.abs(actions - checked.positions) > ROUNDING
    return np.where(outside, checked.positions, actions)


def _approach(twin: Twin, first: np.ndarray) -> None:
    """Lead the arms to the first action, unless they stand there within the start tolerance."""
    start = twin.command
    if np.all(np.abs(first - start) <= twin.profile.tolerance('start_tolerance')):
        return
    ramp = approach_ramp(start, first, twin.profile)
    for target in ramp.sample(np.arange(0.0, ramp.duration, CONTROL_PERIOD))[0]:
        twin.command = target
        twin.step(CONTROL_PERIOD)


class _Watch:
    """Looks at every action of a replay: nearest approaches, excursions and frames."""

    def __init__(self, twin: Twin, camera: str, on_action: Callable[[int, Twin], None] | None):
        self.frames: list[np.ndarray] = []
        self._on_action = on_action
        self._twin = twin
        self._camera = camera
        self._names = [item.name for item in twin.scene.objects]
        self._origin = {name: twin.object_position(name) for name in self._names}
        self._closest = dict.fromkeys(self._names, np.inf)
        self._start: np.ndarray | None = None
        self._travel = np.zeros(len(twin.profile.joint_names))

    def __call__(self, step: int) -> None:
        twin = self._twin
        if self._on_action is not None:
            self._on_action(step, twin)
        tools = [twin.tool_position(arm) for arm in twin.scene.goal.arms]
        for name in self._names:
            here = twin.object_position(name)
            near = min(float(np.linalg.norm(here - tool)) for tool in tools)
            self._closest[name] = min(self._closest[name], near)
        if self._start is None:
            self._start = twin.position
        self._travel = np.maximum(self._travel, np.abs(twin.position - self._start))
        if self._camera:
            self.frames.append(twin.render(self._camera))

    def verdict(self) -> Verdict:
        """Judge the twin's present state."""
        twin = self._twin
        travel = np.where(twin.profile.is_gripper, 0.0, self._travel)
        return Verdict(
            task=twin.task.name,
            seed=twin.seed,
            instruction=twin.scene.instruction,
            success=twin.success(),
            measures=twin.task.measure(twin),
            closest_m=self._closest,
            moved_m={
                name: float(np.linalg.norm(twin.object_position(name) - origin))
                for name, origin in self._origin.items()
            },
            travel_rad={
                arm.name: float(travel[twin.profile.arm_slice(arm)].max())
                for arm in twin.profile.arms
            },
        )
