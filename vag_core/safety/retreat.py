"""Retreat: the command goes back to where the arms are, instead of pushing on against something.

It begins and ends at rest. Each arm joint goes, as fast as the approach may, to where it was
measured. Grippers stay: what they hold keeps them from their command, and following them would
let it fall.

No Clearance is asked on the way. It is the command that moves, towards arms that stand still:
both ends are known, the one lies on the checked path, at the other the arms are by their joint
states (frozen values are not believed, Motion), and between them lie at most ``retreat_max`` rad.
An arm that has run into something is in contact, so that a check would refuse just those retreats
that take the pressure off. And the geometry is known in another process only. That the arms stay
where they are meanwhile is watched (Motion).
"""

import numpy as np
import ruckig

from vag_core.robot import RobotProfile

# Rounding of a sampled curve may not look like more acceleration than allowed.
SHARE = 0.999


class Retreat:
    """Commands from one at rest to rest at the ``measured`` pose.

    Args:
        command: (D,) last command.
        measured: (D,) finite; outside the limits it is clipped to them, but not away from where
            the command already is.
        profile: gives the limits; the way back keeps to its approach speed.
        period: s between two commands.

    Attributes:
        target: (D,) where it comes to rest.
    """

    def __init__(
        self, command: np.ndarray, measured: np.ndarray, profile: RobotProfile, period: float
    ):
        self._acceleration = SHARE * profile.per_joint('max_acceleration')
        self._velocity = profile.safety.approach_speed_scale * profile.per_joint('max_velocity')
        self._period = period
        lower, upper = np.minimum(profile.lower, command), np.maximum(profile.upper, command)
        inside = np.clip(measured, lower, upper)
        self._plan(command, np.zeros_like(command), np.where(profile.is_gripper, command, inside))

    @property
    def at_rest(self) -> bool:
        """Whether the target was commanded."""
        return self._tick * self._period >= self._trajectory.duration

    def next(self) -> np.ndarray:
        """Return the command (D,) of this tick and go on."""
        self._tick += 1
        return self.target if self.at_rest else self._state()[0]

    def decelerate(self) -> None:
        """Come to rest on the way, as soon as the limits allow, from the next tick on."""
        if self.at_rest:
            return
        position, velocity = self._state()
        rest = position + np.sign(velocity) * velocity**2 / (2 * self._acceleration)
        ends = np.minimum(position, self.target), np.maximum(position, self.target)
        self._plan(position, velocity, np.clip(rest, *ends))

    def _state(self) -> tuple[np.ndarray, np.ndarray]:
        position, velocity, _ = self._trajectory.at_time(self._tick * self._period)
        return np.array(position), np.array(velocity)

    def _plan(self, position: np.ndarray, velocity: np.ndarray, target: np.ndarray) -> None:
        problem = ruckig.InputParameter(len(position))
        problem.current_position, problem.current_velocity = position.tolist(), velocity.tolist()
        problem.target_position = target.tolist()
        problem.max_velocity = self._velocity.tolist()
        problem.max_acceleration = self._acceleration.tolist()
        problem.synchronization = ruckig.Synchronization.No
        trajectory = ruckig.Trajectory(len(position))
        result = ruckig.Ruckig(len(position)).calculate(problem, trajectory)
        if result not in (ruckig.Result.Working, ruckig.Result.Finished):
            raise RuntimeError(f'ruckig found no way to the measured pose: {result}')
        self._trajectory, self._tick, self.target = trajectory, 0, target
