"""Retreat: from a moving command to where the arms are, instead of pushing on against something.

Each joint brakes and goes, as fast as its limits allow, to the pose that was measured when the
arms stopped following. Grippers only brake: what they hold keeps them from their command, and
following them would let it fall.
"""

import numpy as np
import ruckig

from vag_core.robot import RobotProfile

# Rounding of a sampled curve may not look like more acceleration than allowed.
SHARE = 0.999


class Retreat:
    """Commands from the present one to rest at the ``measured`` pose.

    Args:
        command: (D,) last command.
        step: (D,) its difference to the one before.
        measured: (D,) finite; outside the limits it is clipped to them, but not away from where
            the command already is.
        profile: gives the limits; the way back keeps to its approach speed.
        period: s between two commands.
    """

    def __init__(
        self,
        command: np.ndarray,
        step: np.ndarray,
        measured: np.ndarray,
        profile: RobotProfile,
        period: float,
    ):
        acceleration = SHARE * profile.per_joint('max_acceleration')
        lower, upper = np.minimum(profile.lower, command), np.maximum(profile.upper, command)
        velocity = step / period
        rest = command + np.sign(velocity) * velocity**2 / (2 * acceleration)
        target = np.clip(np.where(profile.is_gripper, rest, measured), lower, upper)
        problem = ruckig.InputParameter(len(command))
        problem.current_position, problem.current_velocity = command.tolist(), velocity.tolist()
        problem.target_position = target.tolist()
        problem.max_velocity = (
            profile.safety.approach_speed_scale * profile.per_joint('max_velocity')
        ).tolist()
        problem.max_acceleration = acceleration.tolist()
        problem.synchronization = ruckig.Synchronization.No
        self._trajectory = ruckig.Trajectory(len(command))
        result = ruckig.Ruckig(len(command)).calculate(problem, self._trajectory)
        if result not in (ruckig.Result.Working, ruckig.Result.Finished):
            raise RuntimeError(f'ruckig found no way to the measured pose: {result}')
        self._period = period
        self._tick = 0
        self._target = target

    @property
    def at_rest(self) -> bool:
        """Whether the target was commanded."""
        return self._tick * self._period >= self._trajectory.duration

    def next(self) -> np.ndarray:
        """Return the command (D,) of this tick and go on."""
        self._tick += 1
        if self.at_rest:
            return self._target
        return np.array(self._trajectory.at_time(self._tick * self._period)[0])
