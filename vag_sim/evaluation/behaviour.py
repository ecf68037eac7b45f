"""What arms did in a replay: which of them moved, what they went for and how well they aimed."""

from dataclasses import dataclass

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.replay import Verdict
from vag_sim.scene import Scene, SceneObject, Shape
from vag_sim.twin import Twin

MOVED = 0.2
"""An arm moves when a revolute joint leaves its place at the first action by this much, rad."""
CLOSES = 0.02
"""A gripper closes when it is commanded this much narrower than at first, m."""
LIFTED = 0.02
"""An object that rises by this much is the one that was taken, m."""
AIMED = 0.06
"""What was not lifted was gone for when the tool closed within this distance of it, m; cubes
stand at least 0.10 m apart."""


class Track:
    """Follows a replay: ``on_action`` of :func:`vag_sim.replay.replay`.

    Attributes:
        tools: by arm, a (3,) tool position in the world for every action, m.
        objects: by name, a (3,) position of the object likewise.
        scene: the scene of the replay.
    """

    def __init__(self) -> None:
        self.tools: dict[str, list[np.ndarray]] = {}
        self.objects: dict[str, list[np.ndarray]] = {}
        self.scene: Scene | None = None

    def __call__(self, _: int, twin: Twin) -> None:
        """Note where tools and objects are now."""
        self.scene = twin.scene
        for arm in twin.profile.arms:
            self.tools.setdefault(arm.name, []).append(twin.tool_position(arm.name))
        for item in twin.scene.objects:
            self.objects.setdefault(item.name, []).append(twin.object_position(item.name))


@dataclass(frozen=True)
class Behaviour:
    """What the arms did.

    Attributes:
        chosen: the object that was lifted, or else the one where the most active arm closed its
            gripper; empty for none.
        target_error_mm: horizontal distance between where the tool of the goal's arm closed (or,
            where it never does, came nearest) and where the target stood at first; of a tray the
            larger of the two arms' to their grips.
    """

    chosen: str
    target_error_mm: float


def moved_arms(verdict: Verdict) -> tuple[str, ...]:
    """Names of the arms that moved in a replay; none in a refused one."""
    return tuple(arm for arm, travel in verdict.travel_rad.items() if travel >= MOVED)


def closing_step(opening: np.ndarray) -> int | None:
    """First step at which (T,) commanded openings, m, are half closed; None where they never are.

    Half is the middle between the first opening and the narrowest one.
    """
    narrowest = opening.min()
    if opening[0] - narrowest < CLOSES:
        return None
    return int(np.argmax(opening <= (opening[0] + narrowest) / 2))


def judge(track: Track, actions: np.ndarray, profile: RobotProfile) -> Behaviour:
    """Judge a replay of (T, D) actions that was followed by ``track``."""
    travel = _travel(actions, profile)
    active = max(travel, key=travel.__getitem__)
    return Behaviour(
        _chosen(track, active, actions, profile), _target_error(track, actions, profile)
    )


def _travel(actions: np.ndarray, profile: RobotProfile) -> dict[str, float]:
    """By arm, the largest excursion of a revolute joint from the first action, rad."""
    excursion = np.where(profile.is_gripper, 0.0, np.abs(actions - actions[0]).max(axis=0))
    return {arm.name: float(excursion[profile.arm_slice(arm)].max()) for arm in profile.arms}


def _opening(actions: np.ndarray, profile: RobotProfile, name: str) -> np.ndarray:
    arm = next(arm for arm in profile.arms if arm.name == name)
    joints = profile.arm_slice(arm)
    return actions[:, joints][:, profile.is_gripper[joints]][:, 0]


def _chosen(track: Track, active: str, actions: np.ndarray, profile: RobotProfile) -> str:
    items = [item for item in track.scene.objects if item.shape is not Shape.BOWL]
    heights = {item.name: np.array(track.objects[item.name])[:, 2] for item in items}
    rise = {name: float(height.max() - height[0]) for name, height in heights.items()}
    highest = max(rise, key=rise.__getitem__)
    if rise[highest] >= LIFTED:
        return highest
    step = closing_step(_opening(actions, profile, active))
    if step is None:
        return ''
    tool = track.tools[active][step][:2]
    away = {
        item.name: min(float(np.linalg.norm(tool - place)) for place in _grips(item))
        for item in items
    }
    nearest = min(away, key=away.__getitem__)
    return nearest if away[nearest] <= AIMED else ''


def _target_error(track: Track, actions: np.ndarray, profile: RobotProfile) -> float:
    goal = track.scene.goal
    grips = _grips(track.scene.named(goal.target))
    errors = []
    for arm, grip in zip(goal.arms, grips, strict=True):
        tools = np.array(track.tools[arm])
        distances = np.linalg.norm(tools[:, :2] - grip, axis=1)
        step = closing_step(_opening(actions, profile, arm))
        if step is None:
            height = track.objects[goal.target][0][2]
            step = int(np.argmin(np.hypot(distances, tools[:, 2] - height)))
        errors.append(float(distances[step]))
    return 1000 * max(errors)


def _grips(item: SceneObject) -> list[np.ndarray]:
    """(2,) places on the table where the object is taken: of a tray the left and the right one."""
    middle = np.array(item.position)
    if item.shape is not Shape.TRAY:
        return [middle]
    along = item.size / 2 * np.array([-np.sin(item.yaw), np.cos(item.yaw)])
    return [middle + along, middle - along]
