"""What the operator reads: the state of the stack in a few short lines."""

import dataclasses
import math
import textwrap

from vag_core.panel import MOVING, Situation

WIDTH = 74
PLAN_ID_TAIL = 4
"""Characters of a plan's id that are shown, to tell it from the one before."""
MOST_ROWS = 8
"""Of one line that is wrapped: the checklist of a real robot must be read in full."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What the text tells besides the situation.

    Attributes:
        progress: of a running generation, e.g. ``denoising 3/10``.
        model: checkpoint and what is known of its quality.
        clamped: points of the plan that were moved onto a limit, in words.
        speed: share of the planned speed at which the next motion goes, 0 in a pause.
        recording: whether episodes are recorded; None: nobody would record them.
        time_scale: how many times slower than requested the plan runs; 0: no plan.
        min_distance: m between the two bodies with the least room; NaN: not checked.
        bodies: their names.
        elapsed, duration: s of the motion.
        alarm: what is worse than all else: a STOP that nobody has answered; '' for none.
        error: how the last goal ended, '' when well.
        message: answer to the last click.
    """

    progress: str = ''
    model: str = ''
    clamped: str = 'none'
    speed: float = 1.0
    recording: bool | None = True
    time_scale: float = 0.0
    min_distance: float = math.nan
    bodies: str = ''
    elapsed: float = 0.0
    duration: float = 0.0
    alarm: str = ''
    error: str = ''
    message: str = ''


def lines(situation: Situation, approved_plan: str, report: Report) -> tuple[str, ...]:
    """Return the lines, at most :data:`WIDTH` characters each; the first says what goes on.

    What may be long and must not be missed goes on in the next line.
    """
    now = situation
    text = [
        headline(now, approved_plan, report),
        *([report.alarm] if report.alarm else []),
        f'instruction: {now.instruction or "none given"}',
        f'episode: {now.episode_id or "none on display"}',
    ]
    if report.model and now.episode_id:
        text.append(f'model: {report.model}')
    if now.plan_on_show or now.phase in MOVING:
        text += report_lines(now, report)
    if report.speed != 1 and now.phase:
        paused = ', PAUSED' * (report.speed == 0)
        text.append(f'speed: {100 * report.speed:.0f} % of the plan{paused}')
    if now.plan_on_show:
        text += [f'WARNING: {warning}' for warning in now.warnings]
    if now.latched:
        text.append(f'LATCHED: {now.latch_reason}')
    if report.error and report.error != now.latch_reason:
        text.append(f'last plan: {report.error}')
    if report.message:
        text.append(f'> {report.message}')
    return tuple(row for line in text for row in wrapped(line))


def headline(now: Situation, approved_plan: str, report: Report) -> str:
    """Say in one line what goes on, in words that need no colour."""
    if not now.phase:
        state = 'NO REPLAY SERVER'
    elif now.plan_on_show and approved_plan:
        state = 'APPROVED: REPLAY moves the arms'
    elif now.plan_on_show and not now.reported:
        state = 'PLAN ON SHOW: its report has not come yet'
    elif now.plan_on_show:
        state = 'PLAN ON SHOW: look, then approve'
    else:
        state = now.phase.replace('_', ' ')
    if now.phase in MOVING:
        state += f', ARMS MOVE {report.elapsed:.1f} of {report.duration:.1f} s'
    permission = 'armed' if now.armed else 'disarmed'
    parts = [state, permission, *(['DRY RUN'] if now.dry_run else [])]
    if now.generating:
        parts.append(f'generating: {report.progress or "starts"}')
    if not report.recording:
        parts.append('NO RECORDER' if report.recording is None else 'NOT RECORDING')
    return shortened('  |  '.join(parts))


def report_lines(now: Situation, report: Report) -> list[str]:
    """Say what the planner reports, or that it has not yet."""
    name = f'plan ...{now.plan_id[-PLAN_ID_TAIL:]}'
    if not now.reported:
        return [f'{name}: what was clamped and how near it comes is not known yet']
    return [
        f'{name}: {tempo(report)}',
        f'clamped points: {report.clamped}',
        clearance_line(report),
    ]


def tempo(report: Report) -> str:
    """Say how long the motion takes and how much slower it is than requested."""
    slowed = report.time_scale > 1.0005
    scale = f'slowed {report.time_scale:.2f} x to stay within limits' if slowed else 'not slowed'
    return f'{report.duration:.1f} s, {scale}'


def clearance_line(report: Report) -> str:
    """Say how near the bodies come to each other."""
    if math.isnan(report.min_distance):
        return 'clearance: not checked'
    return f'clearance: {1e3 * report.min_distance:.0f} mm, {report.bodies}'


def wrapped(line: str) -> list[str]:
    """Break a line into rows; the last of :data:`MOST_ROWS` shows that something was cut."""
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent='    ',
        max_lines=MOST_ROWS,
        placeholder='...',
        break_on_hyphens=False,
    ) or ['']


def shortened(line: str) -> str:
    """Cut a line that is too long, and show that it was cut."""
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + '...'
