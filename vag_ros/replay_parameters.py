"""Parameters of the replay server, and which of them a real robot forbids."""

from dataclasses import dataclass

from vag_core.configuration import ConfigError
from vag_core.robot import RobotProfile
from vag_ros.parameters import parameter


@dataclass(frozen=True)
class Parameters:
    """Parameters of the replay server."""

    robot: str = parameter('sim', 'robot profile: a shipped name or the path of a YAML file')
    approval: str = parameter(
        'operator',
        'who approves a plan; auto: simulated robots only',
        choices=('operator', 'auto'),
    )
    dry_run: bool = parameter(True, 'plan, show and wait for approval, but send no command')
    arm_on_start: bool = parameter(False, 'start armed; simulated robots only')
    state_rate_hz: float = parameter(15.0, 'rate of state and feedback, Hz', 10.0, 20.0)
    speed_scaling: float = parameter(
        1.0,
        'share of the planned speed at which plans are replayed; 0 pauses',
        0.0,
        1.0,
        live=True,
    )
    hold_publish: float = parameter(
        0.0,
        's after the end of a motion for which its last target is repeated; 0: a driver keeps '
        'its last target by itself',
        0.0,
        3600.0,
    )
    max_image_age: float = parameter(
        300.0, 's; a trajectory generated from an older image is refused', 1.0, 86400.0
    )
    heartbeat_timeout_s: float = parameter(
        0.0,
        's; goals are refused, and motions stopped, when vag/heartbeat is silent for longer; '
        '0: no heartbeat is needed',
        0.0,
        60.0,
    )
    real_time_priority: int = parameter(
        20, 'SCHED_FIFO priority to ask for while commands are streamed; 0: none', 0, 99
    )


def refuse_automatic_motion(
    profile: RobotProfile, settings: Parameters, use_sim_time: bool
) -> None:
    """Raise ConfigError where a real robot would move without a person, or by a simulated clock.

    In namespaces and by launch files, these are easily set for all robots at once.
    """
    if profile.simulated:
        return
    for name, value, allowed in (
        ('approval', settings.approval, 'operator'),
        ('arm_on_start', settings.arm_on_start, False),
        ('use_sim_time', use_sim_time, False),
    ):
        if value != allowed:
            raise ConfigError(
                f'parameter {name} = {value!r}: must be {allowed!r} for robot '
                f'{profile.name}, which is not simulated'
            )
