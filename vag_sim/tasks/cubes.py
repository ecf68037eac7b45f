"""What lift_cube and cube_in_bowl have in common: their scenes, and one arm that works."""

import zlib

import numpy as np

from vag_core.robot import RobotProfile
from vag_sim.kinematics import Arms
from vag_sim.layout import Table, looks
from vag_sim.motion import overlapping
from vag_sim.phrasing import patterns
from vag_sim.scene import Goal, Scene
from vag_sim.splits import BOWLS, CUBES, pairs_of, split_of
from vag_sim.tasks.task import FPS, STEPS
from vag_sim.variation import STANDARD, Variation

SIDES = {'left': 1.0, 'right': -1.0}
"""Sign of y on the side of each arm."""


class CubeTask:
    """One arm takes a cube of a named colour; other cubes and bowls stand by.

    Without ``arm``, ``cube`` and ``bowl`` the seed draws them; with them every scene asks for
    these.
    """

    family: str
    fills_bowl: bool

    def __init__(
        self, arm: str = '', cube: str = '', bowl: str = '', ranges: Variation = STANDARD
    ):
        for field, value, known in (
            ('arm', arm, tuple(SIDES)),
            ('cube', cube, CUBES),
            ('bowl', bowl, BOWLS),
        ):
            if value and value not in known:
                raise ValueError(f'{field} = {value!r}: known are {", ".join(known)}')
        self.name = ':'.join(part for part in (self.family, arm, cube, bowl) if part)
        self._fixed = (arm, cube, bowl)
        self._ranges = ranges
        self._arms = Arms()

    def sample(self, seed: int, profile: RobotProfile) -> Scene:
        """Draw the goal, the sentence, the table and the looks of this seed."""
        rng = np.random.default_rng([seed, zlib.crc32(self.family.encode())])
        split = split_of(self.family, seed)
        sides, (fixed_arm, fixed_cube, fixed_bowl) = tuple(SIDES), self._fixed
        pairs = [
            (cube, bowl)
            for cube, bowl in pairs_of(split)
            if cube == (fixed_cube or cube) and bowl == (fixed_bowl or bowl)
        ] or [(fixed_cube, fixed_bowl)]
        arm = sides[rng.integers(len(sides))]
        cube, bowl = pairs[rng.integers(len(pairs))]
        arm = fixed_arm or arm
        sentences = patterns(self.family, split)
        sentence = sentences[rng.integers(len(sentences))]
        table = self._table(rng, SIDES[arm], cube, bowl)
        return Scene(
            objects=tuple(table.objects),
            instruction=sentence.format(arm=arm, colour=cube, bowl=bowl),
            goal=Goal((arm,), f'{cube}_cube', f'{bowl}_bowl' if self.fills_bowl else ''),
            **looks(rng, self._ranges, profile),
        )

    def _table(self, rng: np.random.Generator, side: float, cube: str, bowl: str) -> Table:
        """Place the target, the bowl to fill and what stands by; over again where one is stuck."""
        ranges = self._ranges
        cubes = rng.integers(ranges.cubes[0], ranges.cubes[1] + 1)
        bowls = ranges.bowls[1]
        if not self.fills_bowl:
            bowls = rng.integers(ranges.bowls[0], bowls + 1)
        others = [str(c) for c in rng.permutation([c for c in CUBES if c != cube])[: cubes - 1]]
        more = [str(b) for b in rng.permutation([b for b in BOWLS if b != bowl])]
        standing = more[: bowls - 1] if self.fills_bowl else [bowl, *more][:bowls]
        anywhere = (ranges.other_x, ranges.other_y)
        while True:
            table = Table(rng, ranges)
            if self.fills_bowl:
                steps = [
                    table.cube(cube, ranges.carried_x, _mirrored(ranges.carried_y, side)),
                    table.bowl(bowl, ranges.bowl_x, _mirrored(ranges.bowl_y, side)),
                ]
            else:
                steps = [table.cube(cube, ranges.target_x, _mirrored(ranges.target_y, side))]
            steps += [table.bowl(colour, *anywhere) for colour in standing]
            steps += [table.cube(colour, *anywhere) for colour in others]
            if all(steps):
                return table


def one_arm(
    scene: Scene, profile: RobotProfile, moves: list[tuple[float, float, np.ndarray]]
) -> np.ndarray:
    """(93, D) float32: the goal's arm makes the moves from its start, the other one rests.

    A move is (begin in s, end in s, joints of the arm).
    """
    start = start_pose(scene, profile)
    joints = joints_of(profile, scene.goal.arms[0])
    actions = np.tile(start, (STEPS, 1))
    actions[:, joints] = overlapping(start[joints], moves, np.arange(STEPS) / FPS)
    return actions.astype(np.float32)


def start_pose(scene: Scene, profile: RobotProfile) -> np.ndarray:
    """(D,) where the arms of this scene start, inside the limits."""
    return np.clip(scene.start_pose(profile.home_position), profile.lower, profile.upper)


def joints_of(profile: RobotProfile, arm: str) -> slice:
    """Where the joints of the arm called ``arm`` lie in a (D,) vector."""
    return profile.arm_slice(next(item for item in profile.arms if item.name == arm))


def _mirrored(y: tuple[float, float], side: float) -> tuple[float, float]:
    return (side * y[0], side * y[1])
