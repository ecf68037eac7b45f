"""A picture of a plan: what was requested, what would be commanded, the limits and distances."""

from pathlib import Path

import numpy as np

from vag_core.robot import RobotProfile
from vag_core.safety.plan import Plan
from vag_core.safety.request import TrajectoryRequest

COLUMNS = 7
# Share of a joint's range that is shown beyond each limit.
BEYOND = 0.08


def draw_plan(
    plan: Plan, request: TrajectoryRequest, profile: RobotProfile, path: Path, title: str = ''
) -> None:
    """Write one PNG: a panel a joint over execution time, and the least distance below them."""
    from matplotlib.figure import Figure

    order = [list(request.joint_names).index(name) for name in profile.joint_names]
    requested = np.array(request.positions, dtype=float)[:, order]
    moments = np.array([plan.execution_time(float(t)) for t in request.times])
    rows = -(-len(profile.joint_names) // COLUMNS)
    figure = Figure(figsize=(2.6 * COLUMNS, 2.1 * rows + 2.2), layout='constrained')
    grid = figure.add_gridspec(rows + 1, COLUMNS)
    for index, name in enumerate(profile.joint_names):
        axis = figure.add_subplot(grid[index // COLUMNS, index % COLUMNS])
        lower, upper = profile.lower[index], profile.upper[index]
        margin = BEYOND * (upper - lower)
        axis.axhspan(upper, upper + margin, color='tab:red', alpha=0.2, lw=0)
        axis.axhspan(lower - margin, lower, color='tab:red', alpha=0.2, lw=0)
        axis.plot(moments, requested[:, index], '.', ms=3, color='tab:orange', label='requested')
        axis.plot(plan.times, plan.positions[:, index], lw=1, color='tab:blue', label='planned')
        axis.axvline(plan.approach_duration, color='0.6', lw=0.6)
        unit = 'm' if profile.is_gripper[index] else 'rad'
        clamped = f', {plan.clamps[index]} clamped' if plan.clamps[index] else ''
        axis.set_title(f'{name} [{unit}]{clamped}', fontsize=8)
        axis.set_ylim(lower - margin, upper + margin)
        axis.tick_params(labelsize=6)
        if index == 0:
            axis.legend(fontsize=6)
    axis = figure.add_subplot(grid[rows, :])
    if plan.distances is None:
        axis.text(0.5, 0.5, 'clearance not checked', ha='center', transform=axis.transAxes)
    else:
        axis.plot(plan.times, 1e3 * plan.distances, lw=1)
        axis.axhspan(0, 1e3 * plan.required_distance, color='tab:red', alpha=0.2, lw=0)
        axis.set_title(f'least room: {" and ".join(plan.min_distance_bodies)}', fontsize=8)
    axis.set_ylabel('distance [mm]', fontsize=8)
    axis.tick_params(labelsize=6)
    figure.supxlabel('time of the motion [s]; the approach ends at the grey line', fontsize=8)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)
