"""RobotProfile: what the software must know of one robot and its driver; config/robots/*.yaml.

Limit keys are those of ros2_control's ``joint_limits`` so that both camps can read them. All
angles are in rad, lengths in m, times in s. Names of topics are relative and take the node's
namespace.
"""

import enum
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from vag_core import resources
from vag_core.configuration import ConfigError, config, load, shipped_or_own
from vag_core.driver import DriverService, StatusTopic
from vag_core.embodiment import Embodiment
from vag_core.workcell import Workcell


class GripperUnit(enum.Enum):
    """Unit of the last entry of an arm's driver messages."""

    METRE = 'metre'
    NORMALISED = 'normalised'
    RAW = 'raw'


class ImageTransport(enum.Enum):
    """Message type of a camera topic."""

    COMPRESSED = 'compressed'
    RAW = 'raw'


@config
class JointLimits:
    """Limits of one joint under ros2_control's names; margins tighten the range on each side.

    ``max_jerk`` needs smoothing (``Safety.smoothing_window_s``): without, the jerk of a curve
    through points is unbounded. No maker publishes one, so none is the default.
    """

    min_position: float
    max_position: float
    max_velocity: float
    max_acceleration: float
    max_jerk: float | None = None
    lower_margin: float = 0.0
    upper_margin: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError unless the range is not empty and every rate is positive."""
        given = [name for name in self.__dataclass_fields__ if getattr(self, name) is not None]
        for field in given:
            if not np.isfinite(getattr(self, field)):
                raise ConfigError(f'{field} = {getattr(self, field)}: must be finite')
        for field in ('max_velocity', 'max_acceleration', 'max_jerk'):
            if field in given and not getattr(self, field) > 0:
                raise ConfigError(f'{field} = {getattr(self, field)}: must be positive')
        for field in ('lower_margin', 'upper_margin'):
            if not getattr(self, field) >= 0:
                raise ConfigError(f'{field} = {getattr(self, field)}: must not be negative')
        if not self.min_position + self.lower_margin < self.max_position - self.upper_margin:
            raise ConfigError(
                f'min_position {self.min_position} and max_position {self.max_position}: no room '
                'is left inside the margins'
            )


@config
class Gripper:
    """The gripper as its driver speaks of it: ``driver value = scale * metres + offset``.

    ``scale`` must be given for every unit but metres.
    """

    unit: GripperUnit = GripperUnit.METRE
    scale: float = 1.0
    offset: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError when the mapping can't be inverted or takes other units for metres."""
        for field in ('scale', 'offset'):
            if not np.isfinite(getattr(self, field)):
                raise ConfigError(f'{field} = {getattr(self, field)}: must be finite')
        if self.scale == 0:
            raise ConfigError('scale = 0: must not be 0')
        if self.unit is not GripperUnit.METRE and self.scale == 1.0:
            raise ConfigError(f'scale = 1.0: unit = {self.unit.value!r} needs its value per metre')


@config
class Arm:
    """One arm and its driver's topics; ``driver_joints`` are the names in its JointState.

    Attributes:
        status: where the driver reports faults, if it does.
        gate_service: lets commands through (true: when armed) or not (false: when disarmed or
            latched, once the arm is at rest).
        stop_service: makes the driver hold the arm where it is; called when commands can no
            longer be sent in time. Never one that cuts power or lets the arm sink.
    """

    name: str
    driver_joints: tuple[str, ...]
    command_topic: str
    feedback_topic: str
    gripper: Gripper = Gripper()
    status: StatusTopic | None = None
    gate_service: DriverService | None = None
    stop_service: DriverService | None = None

    def validate(self) -> None:
        """Raise ConfigError for a gate that can be neither opened nor closed."""
        if self.gate_service is not None and self.gate_service.type != 'std_srvs/srv/SetBool':
            raise ConfigError(
                f'gate_service: type = {self.gate_service.type!r}: must be std_srvs/srv/SetBool'
            )

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of this arm's joints in trajectories: the arm's name before the driver's name."""
        return tuple(f'{self.name}_{joint}' for joint in self.driver_joints)


@config
class Camera:
    """One camera topic and the key that data sets give its view."""

    key: str
    topic: str
    frame_id: str
    transport: ImageTransport = ImageTransport.COMPRESSED


@config
class Safety:
    """What the planner and the replay server allow on this robot.

    Attributes:
        clamp_tolerance, clamp_tolerance_m: a position this far outside a limit is clamped and
            counted; farther, the goal is refused. Revolute joints in rad, grippers in m.
        acceleration_fraction: share of the acceleration limit a plan may use; the rest is kept for
            stopping.
        smoothing_window_s: requests are averaged over a centred window of this length, in their
            own time; 0 for none.
        max_smoothing, max_smoothing_m: a request that smoothing moves farther is refused.
        max_time_scale: slowest allowed replay, as a multiple of the requested duration.
        approach_max, approach_max_m: largest distance from the measured pose to the first point.
        start_tolerance, start_tolerance_m: the arms may move this far between planning and the
            start of the motion; farther, it is planned and approved anew.
        approach_speed_scale: share of the velocity and acceleration limits used on the approach
            ramp.
        max_duration_s: longest trajectory that is accepted, before slowing it down.
        path_tolerance, path_tolerance_m: largest following error during motion. What a gripper
            holds keeps it from closing, so for grippers this default and the next exceed the
            whole stroke.
        goal_tolerance, goal_tolerance_m, goal_time_s: error allowed at the end, and how long to
            wait for it.
        retreat_max: farthest way, rad, of a command back to where an arm was measured that did not
            follow or has collided; farther, it holds.
        feedback_timeout_s: joint states older than this, by receive time, count as lost.
        max_lateness_s: a tick later than this stops the motion.
        approval_timeout_s: a plan that nobody approves is dropped after this time.
        clearance_required: refuse plans that nobody could check for collisions.
        min_clearance_m: smallest distance from an arm to the table or to the robot's body.
        min_clearance_arms_m: smallest distance between the two arms.
        min_clearance_fingers_m: smallest distance from a gripper's fingers to the table; fingers
            are meant to come near.
    """

    clamp_tolerance: float = 0.05
    clamp_tolerance_m: float = 0.005
    acceleration_fraction: float = 0.8
    smoothing_window_s: float = 0.0
    max_smoothing: float = 0.02
    max_smoothing_m: float = 0.002
    max_time_scale: float = 5.0
    approach_max: float = 0.5
    approach_max_m: float = 0.08
    start_tolerance: float = 0.002
    start_tolerance_m: float = 0.0005
    approach_speed_scale: float = 0.5
    max_duration_s: float = 120.0
    path_tolerance: float = 0.2
    path_tolerance_m: float = 0.08
    goal_tolerance: float = 0.05
    goal_tolerance_m: float = 0.08
    goal_time_s: float = 2.0
    retreat_max: float = 0.5
    feedback_timeout_s: float = 0.2
    max_lateness_s: float = 0.1
    approval_timeout_s: float = 300.0
    clearance_required: bool = True
    min_clearance_m: float = 0.01
    min_clearance_arms_m: float = 0.02
    min_clearance_fingers_m: float = 0.0

    def validate(self) -> None:
        """Raise ConfigError for values that would switch a check off or invert it."""
        for field in self.__dataclass_fields__:
            value = getattr(self, field)
            if not isinstance(value, bool) and not (np.isfinite(value) and value >= 0):
                raise ConfigError(f'{field} = {value}: must be finite and not negative')
        if not 0 < self.acceleration_fraction < 1:
            raise ConfigError(
                f'acceleration_fraction = {self.acceleration_fraction}: must lie between 0 and 1'
            )
        if not 0 < self.approach_speed_scale <= 1:
            raise ConfigError(
                f'approach_speed_scale = {self.approach_speed_scale}: must lie in (0, 1]'
            )
        if not self.max_time_scale >= 1:
            raise ConfigError(f'max_time_scale = {self.max_time_scale}: must be at least 1')


@config
class RobotProfile:
    """One robot: arms, cameras, limits, rates, home pose and safety settings.

    Attributes:
        name: as in ``robot:=NAME``.
        simulated: true only for the twin; approval and dry_run default to automatic there alone.
        embodiment: name of the action layout that this robot executes.
        command_rate_hz: rate of commands while a trajectory is replayed.
        feedback_rate_hz: rate at which the driver publishes joint states.
        arms: in the order of the action dimensions.
        camera: the head camera that VAG sees; ``other_cameras`` are recorded only.
        home: one value per driver joint, the same for each arm.
        gripper_joint: driver name of the gripper joint.
        joint_limits: by driver joint name, the same for each arm.
        workcell: where bases and table are, for checking plans; a real robot has no default.
        checklist: what a person must see to before arming; arming asks for it.
        scene_tolerance: grey levels by which a part of the camera's picture may differ from the
            conditioning image before the scene counts as changed.
    """

    name: str
    description: str
    simulated: bool
    embodiment: str
    command_rate_hz: float
    feedback_rate_hz: float
    arms: tuple[Arm, ...]
    camera: Camera
    other_cameras: tuple[Camera, ...] = ()
    gripper_joint: str
    home: dict[str, float]
    joint_limits: dict[str, JointLimits]
    workcell: Workcell | None = None
    checklist: tuple[str, ...] = ()
    scene_tolerance: float = 25.0
    safety: Safety = Safety()

    def validate(self) -> None:
        """Raise ConfigError where arms, limits and home do not describe the same joints."""
        if not self.arms:
            raise ConfigError('arms: at least one is needed')
        if not 10 <= self.command_rate_hz <= 1000:
            raise ConfigError(
                f'command_rate_hz = {self.command_rate_hz}: must lie between 10 and 1000'
            )
        if not 0 < self.feedback_rate_hz <= 10_000:
            raise ConfigError(
                f'feedback_rate_hz = {self.feedback_rate_hz}: must lie between 0 and 10000'
            )
        self._validate_arms()
        self._validate_home()
        self._validate_workcell()
        if not (np.isfinite(self.scene_tolerance) and self.scene_tolerance > 0):
            raise ConfigError(f'scene_tolerance = {self.scene_tolerance}: must be positive')
        for joint, limits in self.joint_limits.items():
            if limits.max_jerk is not None and not self.safety.smoothing_window_s:
                raise ConfigError(
                    f'joint_limits: {joint}: max_jerk = {limits.max_jerk}: needs '
                    'safety.smoothing_window_s > 0'
                )

    def _validate_arms(self) -> None:
        for field in ('name', 'command_topic', 'feedback_topic'):
            values = [getattr(arm, field) for arm in self.arms]
            if len(set(values)) < len(values):
                raise ConfigError(f'arms: {field} = {", ".join(values)}: must differ between arms')
        for arm in self.arms:
            for joint in arm.driver_joints:
                for field in ('joint_limits', 'home'):
                    if joint not in getattr(self, field):
                        raise ConfigError(f'{field}: {joint} of arm {arm.name} is missing')
            if self.gripper_joint not in arm.driver_joints:
                raise ConfigError(
                    f'gripper_joint = {self.gripper_joint!r}: not a joint of arm {arm.name}'
                )

    def _validate_workcell(self) -> None:
        if self.workcell is None:
            return
        expected = [arm.name for arm in self.arms]
        if sorted(self.workcell.bases) != sorted(expected):
            raise ConfigError(
                f'workcell: bases of {", ".join(sorted(self.workcell.bases))}: one is needed for '
                f'each of the arms {", ".join(expected)}'
            )

    def _validate_home(self) -> None:
        for joint, value in self.home.items():
            if joint not in self.joint_limits:
                raise ConfigError(f'home: {joint}: not a joint of this robot')
            limits = self.joint_limits[joint]
            if not limits.min_position <= value <= limits.max_position:
                raise ConfigError(
                    f'home: {joint} = {value}: not in '
                    f'[{limits.min_position}, {limits.max_position}]'
                )

    @cached_property
    def joint_names(self) -> tuple[str, ...]:
        """All D joints in the order of the action dimensions: left_joint1 .. right_gripper."""
        return tuple(name for arm in self.arms for name in arm.joints)

    @cached_property
    def is_gripper(self) -> np.ndarray:
        """(D,) bool: which joints are grippers (m) rather than revolute (rad)."""
        return _read_only(
            [j == self.gripper_joint for arm in self.arms for j in arm.driver_joints]
        )

    def per_joint(self, field: str) -> np.ndarray:
        """(D,) values of one JointLimits field in joint order; infinite where there is none."""
        limits = [self.joint_limits[j] for arm in self.arms for j in arm.driver_joints]
        values = [getattr(limit, field) for limit in limits]
        return np.array([np.inf if value is None else value for value in values])

    @cached_property
    def lower(self) -> np.ndarray:
        """(D,) lowest commanded position, margins applied."""
        return _read_only(self.per_joint('min_position') + self.per_joint('lower_margin'))

    @cached_property
    def upper(self) -> np.ndarray:
        """(D,) highest commanded position, margins applied."""
        return _read_only(self.per_joint('max_position') - self.per_joint('upper_margin'))

    @cached_property
    def home_position(self) -> np.ndarray:
        """(D,) home pose."""
        return _read_only([self.home[j] for arm in self.arms for j in arm.driver_joints])

    def tolerance(self, name: str) -> np.ndarray:
        """(D,) values of a Safety tolerance: ``name`` for revolute, ``name_m`` for grippers."""
        return np.where(
            self.is_gripper, getattr(self.safety, f'{name}_m'), getattr(self.safety, name)
        )

    def arm_slice(self, arm: Arm) -> slice:
        """Where the joints of ``arm`` lie in a (D,) vector."""
        start = self.joint_names.index(arm.joints[0])
        return slice(start, start + len(arm.driver_joints))

    def driver_affine(self, arm: Arm) -> tuple[np.ndarray, np.ndarray]:
        """Scale and offset (n,) with which the arm's joints in rad and m become driver values."""
        gripper = np.array([joint == self.gripper_joint for joint in arm.driver_joints])
        return np.where(gripper, arm.gripper.scale, 1.0), np.where(
            gripper, arm.gripper.offset, 0.0
        )

    def to_driver(self, arm: Arm, position: np.ndarray) -> list[float]:
        """Turn the arm's joint positions (n,) into the driver's units and order."""
        scale, offset = self.driver_affine(arm)
        return (scale * np.asarray(position, dtype=float) + offset).tolist()

    def from_driver(self, arm: Arm, values: list[float]) -> np.ndarray:
        """Turn the driver's joint values into rad and m: the inverse of :meth:`to_driver`."""
        scale, offset = self.driver_affine(arm)
        return (np.array(values, dtype=float) - offset) / scale

    def as_embodiment(self) -> Embodiment:
        """Return the embodiment whose actions this robot executes as they are."""
        return Embodiment(
            name=self.embodiment,
            dimensions=self.joint_names,
            units=tuple('m' if gripper else 'rad' for gripper in self.is_gripper),
        )


def _read_only(values: ArrayLike) -> np.ndarray:
    """Return an array that is shared by all who ask and that nobody can change."""
    array = np.array(values)
    array.setflags(write=False)
    return array


def profile_names() -> list[str]:
    """Names of the profiles that ship with the package."""
    return resources.names('config/robots', '.yaml')


def load_profile(name_or_path: str | Path) -> RobotProfile:
    """Load a shipped profile by name, or any profile by the path of its YAML file.

    Raises:
        ConfigError: naming the file, field, value and what is allowed.
    """
    return load(
        RobotProfile, shipped_or_own(name_or_path, 'config/robots', 'robot', 'known profiles')
    )
