"""lift_tray: both arms take a tray by its two grips and lift it level."""

import zlib
from typing import TYPE_CHECKING

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.grasp import HOVER, LEANS, UP, heading_of, ready_pose, unreachable
from vag_sim.kinematics import ArmKinematics, Arms, downward
from vag_sim.layout import Table, looks
from vag_sim.motion import minimum_jerk
from vag_sim.objects import GRIP_HEIGHT
from vag_sim.phrasing import patterns
from vag_sim.scene import TABLE_HEIGHT, Goal, Scene, SceneObject
from vag_sim.splits import CUBES, split_of
from vag_sim.tasks.cubes import SIDES, joints_of, start_pose
from vag_sim.tasks.judge import is_carried, lifted_tray
from vag_sim.tasks.task import FPS, STEPS
from vag_sim.variation import STANDARD, Variation

if TYPE_CHECKING:
    from vag_sim.twin import Twin

# Seconds at which the phases end: reach over the grips, descend, close, lift; then hold.
WAIT, REACH, DESCEND, CLOSE, LIFT = 0.1, 4.0, 5.3, 6.2, 8.4
BELOW_TOP = 0.018
"""The tool takes a grip this far below its upper edge, m."""
RISE = 0.09


class LiftTray:
    """Lift the tray with both arms; cubes stand by."""

    name = family = 'lift_tray'

    def __init__(self, ranges: Variation = STANDARD):
        self._ranges = ranges
        self._arms = Arms()

    def sample(self, seed: int, profile: RobotProfile) -> Scene:
        """Draw the sentence, the tray, one or two cubes and the looks of this seed."""
        rng = np.random.default_rng([seed, zlib.crc32(self.family.encode())])
        sentences = patterns(self.family, split_of(self.family, seed))
        sentence = sentences[rng.integers(len(sentences))]
        colours = rng.permutation(CUBES)[: rng.integers(1, self._ranges.cubes[1])]
        while True:
            table = Table(rng, self._ranges)
            anywhere = (self._ranges.other_x, self._ranges.other_y)
            steps = [table.tray(), *(table.cube(str(c), *anywhere) for c in colours)]
            if all(steps):
                break
        return Scene(
            objects=tuple(table.objects),
            instruction=sentence,
            goal=Goal(tuple(arm.name for arm in profile.arms), 'tray'),
            **looks(rng, self._ranges, profile),
        )

    def demonstrate(self, scene: Scene, profile: RobotProfile) -> np.ndarray:
        """Reach over the grips, descend, close and rise along a straight line, both at once."""
        tray, start = scene.named(scene.goal.target), start_pose(scene, profile)
        times = np.arange(STEPS) / FPS
        actions = np.tile(start, (STEPS, 1))
        lifting = times > CLOSE
        heights = minimum_jerk([(CLOSE, np.zeros(1)), (LIFT, np.array([RISE]))], times[lifting])
        for name in scene.goal.arms:
            arm, joints = self._arms.of(profile, name), joints_of(profile, name)
            opening = start[joints][-1]
            hover, path = _grip(arm, tray, SIDES[name], heights[:, 0])
            knots = [
                (WAIT, start[joints]),
                (REACH, np.append(hover, opening)),
                (DESCEND, np.append(path[0], opening)),
                (CLOSE, np.append(path[0], 0.0)),
            ]
            actions[:, joints] = minimum_jerk(knots, times)
            actions[lifting, joints.start : joints.stop - 1] = path[1:]
        return actions.astype(np.float32)

    def measure(self, twin: 'Twin') -> dict[str, float]:
        """Height and tilt of the tray, and how far the tools are from its grips."""
        return lifted_tray(twin)

    def succeeded(self, twin: 'Twin') -> bool:
        """Say whether the tray hangs level between both arms, lifted by at least 5 cm."""
        return is_carried(twin)


def _grip(
    arm: ArmKinematics, tray: SceneObject, side: float, heights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Joints (6,) over a grip, and (1 + N, 6) at it and ``heights`` (N,) above it.

    The tool keeps its orientation and leans, if it must, away from the robot and across the tray,
    so that the fingers stay flat on the grip.

    Raises:
        UnreachableError: naming the tray's position.
    """
    along = np.array([-np.sin(tray.yaw), np.cos(tray.yaw), 0.0])
    point = np.array([*tray.position, TABLE_HEIGHT + GRIP_HEIGHT - BELOW_TOP])
    point += side * tray.size / 2 * along
    ready = ready_pose(heading_of(arm, point))
    for lean in LEANS:
        rotation = downward(tray.yaw + np.pi / 2, tray.yaw, lean)
        top = arm.solve(point + heights[-1] * UP, rotation, ready)
        if top is None:
            continue
        path = [arm.solve(point, rotation, top)]
        hover = None if path[0] is None else arm.solve(point + HOVER * UP, rotation, path[0])
        for height in heights:
            if path[-1] is not None:
                path.append(arm.solve(point + height * UP, rotation, path[-1]))
        if hover is not None and path[-1] is not None:
            return hover, np.array(path)
    raise unreachable(f'grip of {tray.name}', (float(point[0]), float(point[1])))
