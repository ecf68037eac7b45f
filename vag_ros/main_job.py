"""The main job on a running stack: generate, approve, replay, and a summary of what came of it."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from vag_core.clamps import clamp_words
from vag_core.robot import load_profile
from vag_ros import names, phases
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.client import StackError, VagClient
from vag_ros.msg import ClampReport, Episode, ReplayState

START_S = 120.0
GENERATION_S = 1800.0
REPLAY_S = 900.0
BAG_S = 15.0


class MainJob:
    """One run of generate, approve, replay.

    Args:
        arguments: of ``vag run``.
        check: raises StackError when a process of the stack has died; called while waiting.
        started: monotonic time at which the stack began to start.
    """

    def __init__(
        self, arguments: argparse.Namespace, check: Callable[[], None], started: float
    ) -> None:
        self._arguments = arguments
        self._profile = load_profile(arguments.robot)
        self._console = Console(highlight=False)
        self._times: dict[str, float] = {}
        self._clock = started
        self._pending_plan: tuple[str, str] | None = None
        self._approved_plan: tuple[str, str] | None = None
        self._phase = ReplayState.PHASE_PLANNING
        self._check_stack = check
        self._client = VagClient(arguments.namespace, self._check)

    def close(self) -> None:
        """Leave the stack as it is and end this client."""
        self._client.close()

    def run(self) -> int:
        """Do every step; 0 when all succeeded.

        Raises:
            StackError: with the reason of the node that did not do its part.
        """
        self._client.wait_until_ready(START_S)
        self._lap('start-up')
        if self._arguments.arm:
            self._client.arm(timeout_s=5.0)
        episode = self._generate()
        result = self._replay(episode)
        bag = self._wait_for_bag(episode.episode_id)
        self._report(episode, result, bag)
        accepted = [ReplayTrajectory.Result.SUCCESSFUL, ReplayTrajectory.Result.DRY_RUN]
        return 0 if result.error_code in accepted and bag else 1

    def _generate(self) -> Episode:
        with self._progress() as progress:
            task = progress.add_task('generating', total=None)

            def show(feedback: GenerateEpisode.Feedback) -> None:
                progress.update(
                    task,
                    description=feedback.stage_name,
                    completed=feedback.step,
                    total=feedback.total,
                )

            episode = self._client.generate(
                self._arguments.instruction, self._arguments.seed, show, GENERATION_S
            )
        self._lap('generation')
        return episode

    def _replay(self, episode: Episode) -> ReplayTrajectory.Result:
        with self._progress() as progress:
            task = progress.add_task('planning', total=None)

            def show(feedback: ReplayTrajectory.Feedback) -> None:
                self._enter_phase(feedback.phase)
                if feedback.phase == ReplayState.PHASE_AWAITING_APPROVAL:
                    self._pending_plan = (episode.episode_id, feedback.plan_id)
                progress.update(
                    task,
                    description=_phase_name(feedback.phase),
                    completed=feedback.time_from_start,
                    total=feedback.motion_duration or None,
                )

            result = self._client.replay(episode, show, REPLAY_S)
        self._enter_phase(ReplayState.PHASE_IDLE)
        return result

    def _check(self) -> None:
        """Look after the stack and answer a plan that awaits approval, in the main thread."""
        self._check_stack()
        if self._pending_plan is None:
            return
        plan, self._pending_plan = self._pending_plan, None
        if plan == self._approved_plan:
            return
        if not self._profile.simulated and not _is_confirmed(self._profile.name):
            raise StackError('not approved; nothing was moved')
        self._approved_plan = plan
        self._client.approve(*plan)

    def _enter_phase(self, phase: int) -> None:
        if phase != self._phase:
            self._lap(_phase_name(self._phase))
            self._phase = phase

    def _lap(self, stage: str) -> None:
        now = time.monotonic()
        self._times[stage] = self._times.get(stage, 0.0) + now - self._clock
        self._clock = now

    def _wait_for_bag(self, episode_id: str) -> str:
        def closed(message: Any) -> bool:
            return message.data.startswith('closed ') and episode_id in message.data

        if not self._client.wait_for(names.BAG, closed, BAG_S):
            return ''
        self._lap('bag')
        return self._client.latest(names.BAG).data.removeprefix('closed ')

    def _progress(self) -> Progress:
        return Progress(
            TextColumn('{task.description:18}'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )

    def _report(self, episode: Episode, result: ReplayTrajectory.Result, bag: str) -> None:
        success = self._client.latest(names.SIM_SUCCESS)
        folder = Path(self._arguments.output_dir).resolve() / 'episodes' / episode.episode_id
        for row in (
            ('episode', str(folder)),
            ('bag', bag or 'the recorder reported none: see its log'),
            ('checkpoint', f'{episode.checkpoint} ({episode.evaluation})'),
            ('replay', _outcome(result)),
            *_clamps(result.clamp_report),
            ('task succeeded', 'not judged' if success is None else str(success.data).lower()),
            *((f'time: {stage}', f'{seconds:6.2f} s') for stage, seconds in self._times.items()),
            *(
                (f'  of generation: {stage}', f'{seconds:6.2f} s')
                for stage, seconds in json.loads(episode.provenance_json)
                .get('timings_s', {})
                .items()
            ),
        ):
            print(f'{row[0]:29} {row[1]}')


def _phase_name(phase: int) -> str:
    return phases.NAMES[phase].lower().replace('_', ' ')


def _is_confirmed(robot: str) -> bool:
    try:
        return input(f'Approve this plan for {robot}? Type yes: ').strip() == 'yes'
    except EOFError:
        return False


def _outcome(result: ReplayTrajectory.Result) -> str:
    if result.error_code == ReplayTrajectory.Result.SUCCESSFUL:
        return (
            f'successful: {result.commands_sent} ticks, {result.late_ticks} late, '
            f'at most by {1e3 * result.max_lateness:.1f} ms; '
            f'took {result.delay:.2f} s longer than planned'
        )
    if result.error_code == ReplayTrajectory.Result.DRY_RUN:
        return f'nothing was sent: {result.error_string}'
    return f'failed ({result.error_code}): {result.error_string}'


def _clamps(report: ClampReport) -> list[tuple[str, str]]:
    if not report.plan_id:
        return [('clamps', 'no plan was made')]
    counts = dict(zip(report.joint_names, report.position_clamps, strict=True))
    distance = f'{1e3 * report.min_distance:.0f} mm ({report.min_distance_bodies})'
    return [
        ('clamped points', clamp_words(counts)),
        ('time scale', f'{report.time_scale:.3f}'),
        ('approach / motion', f'{report.approach_duration:.2f} / {report.motion_duration:.2f} s'),
        ('least clearance', distance if report.clearance_checked else 'not checked'),
    ]
