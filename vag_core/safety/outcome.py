"""How a goal ends: result codes and the reason of a refusal, as values."""

import enum
from dataclasses import dataclass


class ErrorCode(enum.IntEnum):
    """Result codes; the numbers of ``action/ReplayTrajectory``.

    0 to -5 are those of ``control_msgs/action/FollowJointTrajectory``.
    """

    SUCCESSFUL = 0
    INVALID_GOAL = -1
    INVALID_JOINTS = -2
    OLD_HEADER_TIMESTAMP = -3
    PATH_TOLERANCE_VIOLATED = -4
    GOAL_TOLERANCE_VIOLATED = -5
    POSITION_LIMIT_VIOLATED = -10
    TIME_SCALE_EXCEEDED = -11
    START_STATE_VIOLATED = -12
    CLEARANCE_VIOLATED = -13
    FEEDBACK_STALE = -14
    NOT_ARMED = -15
    LATCHED = -16
    BUSY = -17
    APPROVAL_TIMEOUT = -18
    STOPPED = -19
    CANCELED = -20
    COMMAND_LATE = -21
    SHUTTING_DOWN = -22
    DRY_RUN = -23
    SOFTWARE_FAULT = -24
    COMMAND_CONFLICT = -25
    DRIVER_FAULT = -26
    COLLISION = -27
    CLIENT_LOST = -28
    STALE_IMAGE = -29


# After these nothing moves until somebody has reset the server.
FAULTS = frozenset(
    {
        ErrorCode.PATH_TOLERANCE_VIOLATED,
        ErrorCode.FEEDBACK_STALE,
        ErrorCode.COMMAND_LATE,
        ErrorCode.SOFTWARE_FAULT,
        ErrorCode.COMMAND_CONFLICT,
        ErrorCode.DRIVER_FAULT,
        ErrorCode.COLLISION,
        ErrorCode.CLIENT_LOST,
    }
)


@dataclass(frozen=True)
class Refusal:
    """Why something is not done.

    Attributes:
        code: for programs.
        message: for people; names joint, index, value and limit where there are any.
        joint: name of the joint, empty when the reason is none of one joint.
        index: of the trajectory point (of the command tick for clearance), if there is one.
        value: the offending value, in the unit that the message states.
        limit: the limit that it breaks.
    """

    code: ErrorCode
    message: str
    joint: str = ''
    index: int | None = None
    value: float | None = None
    limit: float | None = None
