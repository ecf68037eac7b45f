"""The phases of msg/ReplayState: their names, and in which of them the arms are at rest."""

from vag_ros.msg import ReplayState

NAMES = {
    getattr(ReplayState, name): name.removeprefix('PHASE_')
    for name in dir(ReplayState)
    if name.startswith('PHASE_')
}
AT_REST = (ReplayState.PHASE_IDLE, ReplayState.PHASE_LATCHED, ReplayState.PHASE_STOPPED)
