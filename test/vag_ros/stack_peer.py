"""Everything a recorder listens to, published from a test: both action servers, arms, camera."""

import collections
from pathlib import Path

import numpy as np
from node_processes import PATIENCE_S, Client
from rclpy.action import ActionClient, ActionServer, CancelResponse
from rclpy.duration import Duration
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, JointState
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory

from vag_core.episode import Episode
from vag_core.images import encode_jpeg
from vag_core.robot import load_profile
from vag_ros import convert, msg, names
from vag_ros.action import GenerateEpisode, ReplayTrajectory

SIM = load_profile('sim')
STEPS = 93
BURST = 100
FPS = 10.0
DEEP = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)


def an_episode(episode_id='episode_a', seed=7):
    """Smooth colours and a smooth motion, 93 steps."""
    t = np.linspace(0.0, 1.0, STEPS)
    rows, columns = np.mgrid[0:48, 0:64]
    red = (rows * 4)[None] + (60 * t)[:, None, None]
    blue = np.broadcast_to(columns * 3, red.shape)
    video = np.stack([red, np.full_like(red, 90), blue], axis=-1).astype(np.uint8)
    home = SIM.home_position
    actions = (home + 0.1 * np.sin(2 * np.pi * t)[:, None]).clip(SIM.lower, SIM.upper)
    return Episode(
        episode_id=episode_id,
        instruction='lift the red cube',
        fps=FPS,
        embodiment=SIM.as_embodiment(),
        actions=actions.astype(np.float32),
        videos={'cam_high': video},
        stamp_ns=1_700_000_000_123_456_789,
        conditioning_image=encode_jpeg(video[0]),
        conditioning_stamp_ns=1_699_999_999_000_000_001,
        provenance={
            'seed': seed,
            'checkpoint': 'tiny',
            'checkpoint_hash': 'ab' * 32,
            'evaluation': 'smoke-trained, not evaluated',
            'sampler': {'steps': 10, 'guidance': 1.5},
        },
    )


class StackPeer:
    """Publishers and action servers on a client's node; the test decides what they say."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._node = node = client.node
        self.instruction = node.create_publisher(String, names.INSTRUCTION, names.LATCHED_QOS)
        self.episode = node.create_publisher(msg.Episode, names.EPISODE, names.LATCHED_QOS)
        self.requested = node.create_publisher(
            JointTrajectory, names.REQUESTED_TRAJECTORY, names.LATCHED_QOS
        )
        self.video = node.create_publisher(CompressedImage, names.GENERATED_VIDEO, DEEP)
        self.camera = node.create_publisher(CompressedImage, SIM.camera.topic, names.CAMERA_QOS)
        self.planned = node.create_publisher(
            JointTrajectory, names.PLANNED_TRAJECTORY, names.LATCHED_QOS
        )
        self.clamps = node.create_publisher(msg.ClampReport, names.CLAMP_REPORT, names.LATCHED_QOS)
        self.state = node.create_publisher(msg.ReplayState, names.REPLAY_STATE, DEEP)
        self.commands = [
            node.create_publisher(JointState, arm.command_topic, DEEP) for arm in SIM.arms
        ]
        self.feedback = [
            node.create_publisher(JointState, arm.feedback_topic, DEEP) for arm in SIM.arms
        ]
        self._announced = collections.deque()
        node.create_subscription(
            String, names.BAG, lambda m: self._announced.append(m.data), names.BAG_QOS
        )
        self._servers, self._clients, self._handles, self._releases = {}, {}, {}, {}
        for action, name in (
            (GenerateEpisode, names.GENERATE_EPISODE),
            (ReplayTrajectory, names.REPLAY_TRAJECTORY),
        ):
            self._servers[action] = ActionServer(
                node,
                action,
                name,
                self._execute,
                cancel_callback=lambda _: CancelResponse.ACCEPT,
                feedback_pub_qos_profile=DEEP,
            )
            self._clients[action] = ActionClient(node, action, name)

    def wait_for_recorder(self):
        """Wait until the recorder hears all that is said here."""
        publishers = [
            self.instruction,
            self.episode,
            self.requested,
            self.video,
            self.camera,
            self.planned,
            self.clamps,
            self.state,
            *self.commands,
            *self.feedback,
        ]

        def heard():
            status = [
                self._node.count_subscribers(f'{name}/_action/status')
                for name in (names.GENERATE_EPISODE, names.REPLAY_TRAJECTORY)
            ]
            return all(p.get_subscription_count() for p in publishers) and min(status) > 1

        self._client.wait(heard, what='the recorder')

    async def _execute(self, handle):
        action = (
            GenerateEpisode
            if isinstance(handle.request, GenerateEpisode.Goal)
            else (ReplayTrajectory)
        )
        self._handles[action] = handle
        succeeded = await self._releases[action]
        handle.succeed() if succeeded else handle.abort()
        return action.Result()

    def begin(self, action):
        """Send a goal and return its server-side handle, the goal executing."""
        self._client.wait(self._clients[action].server_is_ready, what='the action')
        self._handles.pop(action, None)
        self._releases[action] = Future()
        self._clients[action].send_goal_async(action.Goal())
        return self._client.wait(lambda: self._handles.get(action), what='the goal')

    def end(self, action, succeeded=True):
        """Let the running goal end."""
        release = self._releases[action]
        self._node.executor.create_task(lambda: release.set_result(succeeded))

    def generate(self, episode):
        """Generate ``episode``: a goal with feedback, then all its topics.

        Returns the Episode message and the path of the bag while it is open.
        """
        handle = self.begin(GenerateEpisode)
        bag = self.wait_announced('open ')
        for step in range(3):
            handle.publish_feedback(
                GenerateEpisode.Feedback(stage_name='denoising', step=step, total=3)
            )
        message = convert.to_episode_message(episode, SIM)
        for frame in message.video:
            self.video.publish(frame)
        self.requested.publish(message.trajectory)
        self.episode.publish(message)
        self.end(GenerateEpisode)
        return message, bag

    @staticmethod
    def publish(publishers, messages):
        """Publish each message to each publisher and wait until all have arrived.

        A burst would overrun the shared memory, and the middleware repairs that once in 3 s only.
        """
        for k, message in enumerate(messages, 1):
            for publisher in publishers:
                publisher.publish(message)
            if k % BURST == 0 or k == len(messages):
                for publisher in publishers:
                    assert publisher.wait_for_all_acked(Duration(seconds=PATIENCE_S))

    def say_phase(self, phase, episode_id, **fields):
        """Publish one ReplayState."""
        self.state.publish(msg.ReplayState(phase=phase, episode_id=episode_id, **fields))

    def wait_announced(self, start):
        """Wait for the recorder's next announcement that starts so and return the path in it."""
        while True:
            self._client.wait(lambda: self._announced, what=f'"{start}" on {names.BAG}')
            text = self._announced.popleft()
            if text.startswith(start):
                return Path(text.removeprefix(start))
