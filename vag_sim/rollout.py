"""A policy in the twin, closed loop: look, predict a chunk, carry out its beginning, look."""

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np

from vag_core.robot import RobotProfile, load_profile
from vag_sim.motion import hard_limits
from vag_sim.tasks import FPS, STEPS, make_task
from vag_sim.twin import CONTROL_PERIOD, Twin


class Acts(Protocol):
    """What a rollout asks of a policy; see :class:`vag_core.policy.policy.Policy`."""

    execute: int

    def act(self, image: np.ndarray, state: np.ndarray, instruction: str) -> np.ndarray:
        """Return the next actions (chunk, D), the first of them due one step from now."""


@dataclasses.dataclass(frozen=True)
class Rollout:
    """What a rollout came to.

    Attributes:
        task, seed, instruction: the scene and what was asked for.
        success: whether the task is accomplished at the end.
        failure: why it was broken off, else empty.
        measures: what success was judged by.
        looks: how often the policy was asked.
        clamped: commands of which a joint was moved onto its limit.
    """

    task: str
    seed: int
    instruction: str
    success: bool
    failure: str = ''
    measures: dict[str, float] = dataclasses.field(default_factory=dict)
    looks: int = 0
    clamped: int = 0


def rollout(
    policy: Acts,
    task: str,
    seed: int,
    *,
    camera: str = '',
    steps: int = STEPS,
    profile: RobotProfile | None = None,
    on_step: Callable[[Twin], None] | None = None,
) -> Rollout:
    """Let a policy act in the scene of a seed for ``steps`` steps of 0.1 s and judge.

    Between two actions the command moves on a straight line at 200 Hz; what lies outside a joint
    limit is moved onto it. A prediction that is not finite ends the rollout.

    Args:
        policy: what acts.
        task, seed: the scene.
        camera: key of the view it gets; empty for the profile's own.
        steps: actions to carry out.
        profile: of the robot; the simulated one by default.
        on_step: called before every action.

    Raises:
        ValueError: the task, seed or camera is unknown, or a chunk has another shape.
    """
    profile = profile or load_profile('sim')
    known = [view.key for view in (profile.camera, *profile.other_cameras)]
    camera = camera or known[0]
    if camera not in known:
        raise ValueError(f'camera = {camera!r}: known are {", ".join(known)}')
    low, high = hard_limits(profile)
    with Twin(make_task(task), seed, profile) as twin:
        chunk: list[np.ndarray] = []
        looks = clamped = 0
        failure = ''
        for _ in range(steps):
            if on_step is not None:
                on_step(twin)
            if not chunk:
                found = policy.act(twin.render(camera), twin.position, twin.scene.instruction)
                _check_shape(found, policy.execute, len(low))
                chunk = list(found[: policy.execute])
                looks += 1
            target = np.asarray(chunk.pop(0), dtype=float)
            if not np.isfinite(target).all():
                joint = profile.joint_names[np.flatnonzero(~np.isfinite(target))[0]]
                failure = f'{joint}: the policy predicts a position that is not finite'
                break
            inside = np.clip(target, low, high)
            clamped += bool((inside != target).any())
            _move(twin, inside)
        return Rollout(
            task=task,
            seed=seed,
            instruction=twin.scene.instruction,
            success=not failure and twin.success(),
            failure=failure,
            measures=twin.task.measure(twin),
            looks=looks,
            clamped=clamped,
        )


def _check_shape(chunk: np.ndarray, execute: int, joints: int) -> None:
    if chunk.ndim != 2 or len(chunk) < execute or chunk.shape[1] != joints:
        raise ValueError(
            f'chunk: shape {chunk.shape}, expected ({execute} or more, {joints}): the policy '
            'belongs to another robot'
        )


def _move(twin: Twin, target: np.ndarray) -> None:
    """Move the command to ``target`` within one step."""
    start, ticks = twin.command, round(1.0 / (FPS * CONTROL_PERIOD))
    for tick in range(1, ticks + 1):
        twin.command = start + (target - start) * (tick / ticks)
        twin.step(CONTROL_PERIOD)
