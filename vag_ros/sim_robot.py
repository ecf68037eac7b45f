"""The sim_robot node: the MuJoCo twin behind the topics of the profile's own driver.

Three threads, because an rclpy executor is slow per callback: one keeps the physics in step with
the monotonic clock and publishes joint states, one renders and publishes the cameras, and the
executor takes commands and services.
"""

import array
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool, Header
from std_srvs.srv import Trigger

from vag_core.configuration import ConfigError
from vag_core.images import encode_jpeg
from vag_core.robot import Arm, Camera, ImageTransport, RobotProfile, load_profile
from vag_ros import names
from vag_ros.convert import to_compressed
from vag_ros.parameters import declare, parameter
from vag_ros.shutdown import run
from vag_sim.driver import CommandRefusedError, read_command
from vag_sim.gl import NoOffscreenGLError, require_backend
from vag_sim.tasks import TASKS, make_task
from vag_sim.twin import CONTROL_PERIOD, Twin

SUCCESS_PERIOD = 0.1
SUCCESS_REPEAT = 0.5
QUIET_BEFORE_RESET = 1.0
LARGEST_LAG = 0.25


@dataclass(frozen=True)
class Parameters:
    """Parameters of sim_robot."""

    robot: str = parameter('sim', 'robot profile: a shipped name or the path of a YAML file')
    task: str = parameter(
        'pick_lift',
        f'task whose scene stands on the table: {", ".join(TASKS)}; what the seed '
        'would draw can be fixed, as in lift_cube:left:red',
    )
    seed: int = parameter(1000, 'seed of the scene', 0, 2**31 - 1)
    camera_rate_hz: float = parameter(10.0, 'frames per second of each camera', 0.1, 60.0)
    wrist_cameras: bool = parameter(True, 'publish the two wrist cameras besides the head camera')
    jpeg_quality: int = parameter(95, 'of the camera images', 1, 100)


class SimRobot(Node):
    """Node ``sim_robot``."""

    def __init__(self) -> None:
        super().__init__('sim_robot', automatically_declare_parameters_from_overrides=True)
        self._settings = declare(self, Parameters)
        self._profile = load_profile(self._settings.robot)
        self._twin = _make_twin(self._settings, self._profile)
        self._target = self._twin.command
        self._target_lock = threading.Lock()
        self._last_command = -np.inf
        self._refused = 0
        self._success: tuple[bool, float] | None = None
        self._ending = threading.Event()
        self._first_frame = threading.Event()
        self._failure: BaseException | None = None
        self._states = [
            (arm, self.create_publisher(JointState, arm.feedback_topic, names.STATE_QOS))
            for arm in self._profile.arms
        ]
        self._cameras = [(camera, self._camera_publisher(camera)) for camera in self._views()]
        self._success_topic = self.create_publisher(Bool, names.SIM_SUCCESS, names.LATCHED_QOS)
        for arm in self._profile.arms:
            self.create_subscription(
                JointState, arm.command_topic, self._command_callback(arm), names.COMMAND_QOS
            )
        self.create_service(Trigger, names.SIM_RESET, self._on_reset)
        self.create_timer(SUCCESS_PERIOD, self._watch)
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), name=work.__name__.strip('_'))
            for work in (self._simulate, self._film)
        ]
        simulation, film = self._threads
        film.start()
        # Making the OpenGL context blocks Python for a while; the simulated clock starts after it.
        self._first_frame.wait()
        simulation.start()
        self.get_logger().info(
            f'{self._profile.name}: task {self._settings.task}, seed {self._settings.seed}: '
            f'"{self._twin.scene.instruction}"'
        )

    def _views(self) -> tuple[Camera, ...]:
        others = self._profile.other_cameras if self._settings.wrist_cameras else ()
        return (self._profile.camera, *others)

    def _camera_publisher(self, camera: Camera) -> Callable[[np.ndarray, Header], None]:
        """Return what publishes one frame of ``camera`` as its profile's driver does."""
        if camera.transport is ImageTransport.COMPRESSED:
            publisher = self.create_publisher(CompressedImage, camera.topic, names.CAMERA_QOS)
            quality = self._settings.jpeg_quality

            def publish(frame: np.ndarray, header: Header) -> None:
                message = to_compressed(encode_jpeg(frame, quality))
                message.header = header
                publisher.publish(message)
        else:
            publisher = self.create_publisher(Image, camera.topic, names.CAMERA_QOS)

            def publish(frame: np.ndarray, header: Header) -> None:
                height, width, _ = frame.shape
                publisher.publish(
                    Image(
                        header=header,
                        height=height,
                        width=width,
                        encoding='rgb8',
                        step=3 * width,
                        data=array.array('B', frame.tobytes()),
                    )
                )

        return publish

    def _command_callback(self, arm: Arm) -> Callable[[JointState], None]:
        inside = self._profile.arm_slice(arm)

        def on_command(message: JointState) -> None:
            self._last_command = time.monotonic()
            try:
                target = read_command(self._profile, arm, message.name, message.position)
            except CommandRefusedError as error:
                self._refused += 1
                self.get_logger().error(
                    f'{arm.command_topic}: {error}; command refused, the arm holds '
                    f'({self._refused} refused so far)',
                    throttle_duration_sec=1.0,
                )
                return
            with self._target_lock:
                whole = self._target.copy()
                whole[inside] = target
                self._target = whole

        return on_command

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        quiet = time.monotonic() - self._last_command
        if quiet < QUIET_BEFORE_RESET:
            response.message = (
                f'a command arrived {quiet:.2f} s ago; no reset within {QUIET_BEFORE_RESET} s'
            )
            return response
        with self._target_lock:
            self._twin.reset()
            self._target = self._twin.command
        response.success = True
        response.message = f'scene of seed {self._settings.seed}, arms home'
        return response

    def _watch(self) -> None:
        """Publish success on change and twice a second; end the node when a thread failed."""
        if self._failure is not None:
            raise self._failure
        success, now = self._twin.success(), time.monotonic()
        if self._success is not None:
            known, since = self._success
            if known == success and now - since < SUCCESS_REPEAT:
                return
        self._success = (success, now)
        self._success_topic.publish(Bool(data=success))

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._failure = error
            self._first_frame.set()

    def _simulate(self) -> None:
        """Step the physics in real time, at rest between ticks, and publish joint states."""
        feedback_period = 1.0 / self._profile.feedback_rate_hz
        due = time.monotonic()
        feedback_due = due
        applied = self._target
        while not self._ending.is_set():
            with self._target_lock:
                if self._target is not applied:
                    self._twin.command = applied = self._target
                self._twin.step(CONTROL_PERIOD)
            due += CONTROL_PERIOD
            if due >= feedback_due:
                self._publish_states(lag=time.monotonic() - due + CONTROL_PERIOD)
                feedback_due += feedback_period
            lag = time.monotonic() - due
            if lag > LARGEST_LAG:
                self.get_logger().warning(
                    f'simulation {lag:.2f} s behind the clock; it goes on from here',
                    throttle_duration_sec=5.0,
                )
                due += lag
                feedback_due += lag
            elif lag < 0:
                time.sleep(-lag)

    def _publish_states(self, lag: float) -> None:
        """Stamped with the moment that they belong to, `lag` seconds ago."""
        position, velocity, effort = self._twin.joint_state()
        stamp = (self.get_clock().now() - Duration(seconds=lag)).to_msg()
        for arm, publisher in self._states:
            inside = self._profile.arm_slice(arm)
            scale = np.where(self._profile.is_gripper[inside], arm.gripper.scale, 1.0)
            publisher.publish(
                JointState(
                    header=Header(stamp=stamp),
                    name=list(arm.driver_joints),
                    position=array.array('d', self._profile.to_driver(arm, position[inside])),
                    velocity=array.array('d', velocity[inside] * scale),
                    effort=array.array('d', effort[inside]),
                )
            )

    def _film(self) -> None:
        """Render and publish every camera at its rate; a late frame never catches up."""
        period = 1.0 / self._settings.camera_rate_hz
        due = time.monotonic()
        try:
            while not self._ending.wait(max(0.0, due - time.monotonic())):
                due = max(due + period, time.monotonic())
                for camera, publish in self._cameras:
                    header = Header(
                        stamp=self.get_clock().now().to_msg(), frame_id=camera.frame_id
                    )
                    publish(self._twin.render(camera.key), header)
                self._first_frame.set()
        finally:
            self._twin.close()

    def destroy_node(self) -> None:
        """Stop the threads, free the renderer in its own, and leave ROS."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        super().destroy_node()


def _make_twin(parameters: Parameters, profile: RobotProfile) -> Twin:
    try:
        require_backend()
        return Twin(make_task(parameters.task), parameters.seed, profile)
    except (ValueError, NoOffscreenGLError) as error:
        raise ConfigError(str(error)) from None


def main() -> int:
    """Run the node until it is interrupted; the replay server may end first."""
    return run(SimRobot, outlives_replay=True)


if __name__ == '__main__':
    sys.exit(main())
