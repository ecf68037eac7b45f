"""The generator node: a camera image and an instruction in, an episode of video and actions out.

A lifecycle node: configuring loads the checkpoint, activating lets goals in. One thread belongs to
the model and does nothing else, so callbacks go on while it works.
"""

import os
import sys
import threading
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import RCLError, ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.node import LifecycleNodeMixin
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from vag_core import resources
from vag_core.episode import Episode
from vag_core.robot import ImageTransport, load_profile
from vag_ros import msg, names
from vag_ros.action import GenerateEpisode
from vag_ros.episode_output import EpisodeOutput
from vag_ros.generation_goal import GenerationJob, GoalRefused, Inputs, read_goal
from vag_ros.model_loading import load_for_robot, prepare_device
from vag_ros.parameters import declare, parameter
from vag_ros.preview import PreviewVideo, captions
from vag_ros.shutdown import run
from vag_ros.start_state import StartState

if TYPE_CHECKING:
    from vag_core.checkpoint import Checkpoint
    from vag_core.generate import Progress

Result = GenerateEpisode.Result
Feedback = GenerateEpisode.Feedback

MODEL_THREAD = 'model'
SHUTDOWN_PATIENCE_S = 2.0
POLL_S = 0.02
# For the abandoned goal's result to get through: nothing tells when a service's answer has.
LAST_WORDS_S = 0.2


@dataclass(frozen=True)
class Parameters:
    """Parameters of the generator."""

    robot: str = parameter('sim', 'robot profile: a shipped name or the path of a YAML file')
    checkpoint: str = parameter(
        resources.DEFAULT_CHECKPOINT, 'checkpoint: a shipped name or a folder'
    )
    device: str = parameter('auto', 'where the model runs', choices=('auto', 'cpu', 'cuda'))
    output_dir: str = parameter('output/episodes', 'folder that receives the episode folders')
    first_image_wait_s: float = parameter(
        5.0, 'how long a goal waits for the first camera image and joints, s', 0.0, 60.0
    )
    max_image_age_s: float = parameter(1.0, 'oldest usable camera image, s', 0.01, 3600.0)
    jpeg_quality: int = parameter(95, 'of generated frames and previews', 1, 100)
    preview: bool = parameter(True, 'show estimates while denoising, and the finished video')
    preview_share: float = parameter(
        0.01, 'of the time of denoising that its previews may take', 0.0, 1.0
    )
    torch_threads: int = parameter(0, 'CPU threads of the model, 0: as torch likes', 0, 512)
    autostart: bool = parameter(True, 'configure and activate without a lifecycle manager')


class Generator(LifecycleNodeMixin, Node):
    """Lifecycle node ``generator``.

    Its parents are those of :class:`rclpy.lifecycle.LifecycleNode`, whose services can't be given
    a reentrant group; here the state can be asked for while the checkpoint is being loaded.
    """

    def __init__(self) -> None:
        Node.__init__(self, 'generator', automatically_declare_parameters_from_overrides=True)
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self._refuse_invalid_transitions()
        self._settings = declare(self, Parameters)
        self._profile = load_profile(self._settings.robot)
        self._checkpoint: Checkpoint | None = None
        self._start_state: StartState | None = None
        self._active = False
        self._why_inactive = 'not configured'
        self._busy = threading.Lock()
        self._abandon = threading.Event()
        self._leaving: Future[None] = Future()
        self._model_thread = ThreadPoolExecutor(1, thread_name_prefix=MODEL_THREAD)
        self._inputs = Inputs(self._profile.camera.topic)
        self._subscribe()
        self._output = EpisodeOutput(
            self, self._profile, self._settings.output_dir, self._settings.jpeg_quality
        )
        self._preview = PreviewVideo(
            self, self._profile.camera.frame_id, self._settings.jpeg_quality
        )
        if self._settings.autostart:
            self._start = self.create_timer(
                0.0,
                self._autostart,
                callback_group=MutuallyExclusiveCallbackGroup(),
                clock=Clock(clock_type=ClockType.STEADY_TIME),  # simulated time may not run yet
            )
        else:
            self._offer_action()

    def _subscribe(self) -> None:
        group = MutuallyExclusiveCallbackGroup()
        camera = self._profile.camera
        compressed = camera.transport is ImageTransport.COMPRESSED
        self.create_subscription(
            CompressedImage if compressed else Image,
            camera.topic,
            self._on_image,
            names.CAMERA_QOS,
            callback_group=group,
        )
        self.create_subscription(
            String, names.INSTRUCTION, self._on_instruction, names.STATE_QOS, callback_group=group
        )
        self.create_subscription(
            String,
            names.DISPLAYED,
            lambda message: self._preview.displayed(message.data),
            names.LATCHED_QOS,
            callback_group=group,
        )

    def _on_image(self, message: CompressedImage | Image) -> None:
        self._inputs.image, self._inputs.image_received = message, time.monotonic()

    def _on_instruction(self, message: String) -> None:
        self._inputs.instruction = message.data.strip()

    def _offer_action(self) -> None:
        self._server = ActionServer(
            self,
            GenerateEpisode,
            names.GENERATE_EPISODE,
            self._execute,
            callback_group=ReentrantCallbackGroup(),
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
            feedback_pub_qos_profile=QoSProfile(depth=100),
        )
        self.get_logger().info(f'{names.GENERATE_EPISODE} is there')

    def _autostart(self) -> None:
        """Load and activate, then offer the action: who waits for it waits for the model."""
        self._start.cancel()
        try:
            if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
                self.trigger_activate()
        except RCLError as error:
            self.get_logger().warning(f'autostart: {error}')
        if not self._abandon.is_set():
            self._offer_action()

    def _refuse_invalid_transitions(self) -> None:
        """Answer a transition that the state doesn't allow; rclpy would let it end the process."""
        change_state = self._service_change_state.callback

        def on_change_state(request: Any, response: Any) -> Any:
            try:
                return change_state(request, response)
            except RCLError as error:
                self.get_logger().warning(f'lifecycle: {error}')
                response.success = False
                return response

        self._service_change_state.callback = on_change_state

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the checkpoint; FAILURE, and a logged reason, when it can't serve this robot."""
        try:
            self._checkpoint = self._model_thread.submit(self._load).result()
        except Exception as error:
            self._why_inactive = f'checkpoint = {self._settings.checkpoint!r}: {error}'
            self.get_logger().error(self._why_inactive)
            return TransitionCallbackReturn.FAILURE
        if self._checkpoint.config.model.action.start_state:
            self._start_state = StartState(self, self._profile, self._checkpoint.embodiment)
        self._why_inactive = 'not activated'
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let goals in."""
        self._preview.start(self._checkpoint.fps)
        self._active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let no goal in, and wait for the running generation to be abandoned."""
        self._active, self._why_inactive = False, 'deactivated'
        self._abandon.set()
        with self._busy:
            self._abandon.clear()
        self._preview.stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give the model's memory back."""
        self._unload('not configured')
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave whatever state the node is in."""
        if self._active:
            self.on_deactivate(state)
        self._unload('shut down')
        return super().on_shutdown(state)

    def _unload(self, why: str) -> None:
        self._checkpoint, self._why_inactive = None, why
        if self._start_state is not None:
            self._start_state.close()
            self._start_state = None

    def finish(self) -> None:
        """Abandon a running generation; wait for its present step, but not for ever."""
        self._active, self._why_inactive = False, 'shutting down'
        self._abandon.set()
        deadline = time.monotonic() + SHUTDOWN_PATIENCE_S
        self._model_thread.shutdown(wait=False)
        while _model_thread_lives() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._leaving.set_result(None)
        time.sleep(LAST_WORDS_S)

    def _load(self) -> 'Checkpoint':
        started = time.monotonic()
        settings = self._settings
        device = prepare_device(settings.device, settings.torch_threads)
        checkpoint = load_for_robot(settings.checkpoint, device, self._profile)
        self.get_logger().info(
            f'checkpoint {checkpoint.name} ({checkpoint.evaluation}), hash '
            f'{checkpoint.hash[:12]}, on {device} after {time.monotonic() - started:.1f} s'
        )
        return checkpoint

    def _execute(self, handle: ServerGoalHandle) -> Result:
        """Serve one goal; a refusal is an ABORTED goal with a code and a reason."""
        accepted = time.monotonic()
        if not self._busy.acquire(blocking=False):
            return self._end(handle, Result.BUSY, 'another generation is running')
        try:
            if not self._active:
                raise GoalRefused(Result.NOT_ACTIVE, f'generator: {self._why_inactive}')
            self._wait_for_inputs(handle)
            job = read_goal(handle.request, self._inputs, self._settings.max_image_age_s)
            if self._start_state is not None:
                job = replace(job, start_state=self._start_state.read())
            work = self._model_thread.submit(self._make, job, handle, accepted)
            wait((work, self._leaving), return_when=FIRST_COMPLETED)
            if not work.done():
                raise GoalRefused(Result.CANCELED, self._why_inactive)
            return self._end(handle, Result.SUCCESSFUL, episode=work.result())
        except GoalRefused as refusal:
            return self._end(handle, refusal.code, str(refusal))
        except Exception as error:
            self.get_logger().error(traceback.format_exc())
            return self._end(handle, Result.GENERATION_FAILED, f'{type(error).__name__}: {error}')
        finally:
            self._busy.release()

    def _wait_for_inputs(self, handle: ServerGoalHandle) -> None:
        """Wait for the first image, and for the joints where the checkpoint asks for them."""
        deadline = time.monotonic() + self._settings.first_image_wait_s
        while (
            not self._has_inputs(handle)
            and not handle.is_cancel_requested
            and not self._leaving.done()
            and time.monotonic() < deadline
        ):
            time.sleep(POLL_S)

    def _has_inputs(self, handle: ServerGoalHandle) -> bool:
        image = self._inputs.image is not None or len(handle.request.image.data) > 0
        return image and (self._start_state is None or self._start_state.known)

    def _end(
        self,
        handle: ServerGoalHandle,
        code: int,
        reason: str = '',
        episode: msg.Episode | None = None,
    ) -> Result:
        if code == Result.SUCCESSFUL:
            handle.succeed()
        elif code == Result.CANCELED and handle.is_cancel_requested:
            handle.canceled()
            self.get_logger().info(f'generation ended: {reason}')
        else:
            handle.abort()
            self.get_logger().error(f'generation ended ({code}): {reason}')
        return Result(error_code=code, error_string=reason, episode=episode or msg.Episode())

    def _make(self, job: GenerationJob, handle: ServerGoalHandle, accepted: float) -> msg.Episode:
        """Generate, save and publish one episode; in the model's thread."""
        self._preview.pause()
        try:
            return self._make_episode(job, handle, accepted)
        finally:
            self._preview.resume()

    def _make_episode(
        self, job: GenerationJob, handle: ServerGoalHandle, accepted: float
    ) -> msg.Episode:
        from vag_core.generate import GenerationCancelled, generate

        def cancelled() -> bool:
            return self._abandon.is_set() or handle.is_cancel_requested

        def report(progress: 'Progress') -> None:
            self._report(handle, accepted, progress)

        self.get_logger().info(f'generating {job.instruction!r}, seed {job.seed}')
        try:
            (generated,) = generate(
                self._checkpoint,
                [job.request],
                report,
                cancelled,
                preview=self._settings.preview,
                preview_share=self._settings.preview_share,
            )
            if cancelled():
                raise GenerationCancelled
        except GenerationCancelled:
            reason = 'canceled' if handle.is_cancel_requested else self._why_inactive
            raise GoalRefused(Result.CANCELED, reason) from None
        saving = Feedback(stage=Feedback.STAGE_SAVING, stage_name='saving', total=1)
        self._send(handle, accepted, saving)
        episode, folder = self._output.save(job, generated, self._checkpoint)
        message = self._output.publish(episode)
        if self._settings.preview:
            self._show(episode)
        saving.step = 1
        self._send(handle, accepted, saving)
        self.get_logger().info(f'{folder}: {time.monotonic() - accepted:.1f} s')
        return message

    def _report(self, handle: ServerGoalHandle, accepted: float, progress: 'Progress') -> None:
        if self._abandon.is_set():
            return
        stage = progress.stage.value
        feedback = Feedback(
            stage=getattr(Feedback, f'STAGE_{progress.stage.name}'),
            stage_name=stage,
            step=progress.step,
            total=progress.total,
        )
        if progress.preview is not None:
            caption = f'{stage} {progress.step}/{progress.total}   {self._checkpoint.evaluation}'
            feedback.preview = self._preview.show(progress.preview, caption)
        self._send(handle, accepted, feedback)

    def _send(self, handle: ServerGoalHandle, accepted: float, feedback: Feedback) -> None:
        feedback.elapsed = time.monotonic() - accepted
        handle.publish_feedback(feedback)

    def _show(self, episode: Episode) -> None:
        (video,) = episode.videos.values()
        self._preview.loop(
            episode.episode_id, zip(video, captions(episode, self._profile), strict=True)
        )


def _model_thread_lives() -> bool:
    return any(thread.name.startswith(MODEL_THREAD) for thread in threading.enumerate())


def main() -> NoReturn:
    """Run the node until it is asked to end."""
    # Threads of the model that spin while they wait keep the driver and the replay server from
    # running where cores are few, and the model waits for those in turn.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    code = run(Generator, threads=4)
    sys.stdout.flush()
    # Not by the interpreter's own end: that waits for a model thread deep in a long step, and
    # takes its time to unload torch.
    os._exit(code)
