"""The node ``recorder``: one MCAP bag per episode, driven by the topics that it records."""

import dataclasses
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from action_msgs.msg import GoalStatus, GoalStatusArray
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool

from vag_core.robot import load_profile
from vag_ros import convert, names
from vag_ros.bag import custom_data, qos
from vag_ros.bag.definitions import definition, type_name
from vag_ros.bag.goals import GoalEvent, Goals, GoalState
from vag_ros.bag.lifetime import BagLifetime, Step
from vag_ros.bag.tap import Received, Tap
from vag_ros.bag.topics import GENERATE_STATUS, REPLAY_STATUS, RecordedTopic, recorded_topics
from vag_ros.bag.writer import RECORDING_SUFFIX, BagWriter, unique_path
from vag_ros.msg import ClampReport, Episode, ReplayState
from vag_ros.parameters import declare, parameter
from vag_ros.phases import AT_REST
from vag_ros.shutdown import run

POLL_S = 0.05
FLUSH_S = 0.5
ACKNOWLEDGE_S = 2.0
ENDINGS = {
    GoalStatus.STATUS_SUCCEEDED: GoalEvent.SUCCEEDED,
    GoalStatus.STATUS_CANCELED: GoalEvent.FAILED,
    GoalStatus.STATUS_ABORTED: GoalEvent.FAILED,
}
REMEMBERED = (names.INSTRUCTION, names.EPISODE, names.REQUESTED_TRAJECTORY)


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Parameters of the recorder."""

    robot: str = parameter('sim', 'name of the robot profile, or the path of one')
    bag_dir: str = parameter('output/bags', 'folder that holds one folder per bag')
    tail_s: float = parameter(1.0, 'a bag closes this long after its replay has ended', 0.0, 60.0)
    idle_s: float = parameter(
        600.0, 'a bag closes this long after a generation that nobody replays', 1.0, 86400.0
    )


class Recorder(Node):
    """Record every episode.

    ``vag/recorder/bag`` says ``open PATH``, ``closed PATH`` or ``failed PATH``;
    ``vag/recorder/recording`` whether the next episode will have a bag.
    """

    def __init__(self) -> None:
        super().__init__('recorder', automatically_declare_parameters_from_overrides=True)
        parameters = declare(self, Parameters)
        profile = load_profile(parameters.robot)
        self._folder = Path(parameters.bag_dir).expanduser().absolute()
        self._about_robot = custom_data.of_robot(profile)
        self._lifetime = BagLifetime(parameters.tail_s, parameters.idle_s)
        self._bag: BagWriter | None = None
        self._bag_name = ''
        self._episode_id = ''
        self._finished = self._has_episode = False
        self._episode: Episode | None = None
        self._replay_state: ReplayState | None = None
        self._goals = {GENERATE_STATUS: Goals(), REPLAY_STATUS: Goals()}
        self._in_motion = False
        self._remembered: dict[str, Received] = {}
        # finish() is called in another thread than the timers.
        self._lock = threading.Lock()
        self._recording = True
        self._switch = self.create_publisher(Bool, names.RECORDING, names.LATCHED_QOS)
        self._switch.publish(Bool(data=True))
        self._announcer = self.create_publisher(String, names.BAG, names.BAG_QOS)
        self.create_service(SetBool, names.RECORD, self._on_record)
        self._tap = Tap(self, list(recorded_topics(profile)))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(POLL_S, self._poll, clock=steady)
        self.create_timer(FLUSH_S, self._tick, clock=steady)
        self._report_unfinished()

    def finish(self) -> None:
        """Close the open bag, if any, with all its metadata."""
        with self._lock:
            self._take()
            self._finished = True
            self._close()
        # A message that is still under way when its publisher goes is lost.
        self._announcer.wait_for_all_acked(Duration(seconds=ACKNOWLEDGE_S))

    def _on_record(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """From now on open bags, or open none; one that is open is finished as ever."""
        with self._lock:
            self._recording = request.data
        self._switch.publish(Bool(data=request.data))
        response.success, response.message = True, f'recording {"on" if request.data else "off"}'
        self.get_logger().info(response.message)
        return response

    def _poll(self) -> None:
        with self._lock:
            self._take()

    def _take(self) -> None:
        for message in self._tap.take():
            if message.topic.name in REMEMBERED:
                self._remembered[message.topic.name] = message
            self._interpret(message.topic, message.data)
            self._write(message)

    def _interpret(self, topic: RecordedTopic, data: bytes) -> None:
        """Draw from a message what it means for the bag: lifetime, name and custom data."""
        now = time.monotonic()
        if topic.message_class is GoalStatusArray:
            self._follow_goals(topic.name, deserialize_message(data, GoalStatusArray), now)
        elif topic.message_class is ReplayState:
            self._follow_replay(deserialize_message(data, ReplayState), now)
        elif topic.message_class is Episode:
            self._episode = deserialize_message(data, Episode)
            self._lifetime.episode(self._episode.episode_id, now)
            self._episode_id = self._lifetime.episode_id
            if self._episode_id == self._episode.episode_id:
                self._has_episode = True
                self._describe(custom_data.of_episode(self._episode))
        elif topic.message_class is ClampReport:
            self._describe(custom_data.of_clamp_report(deserialize_message(data, ClampReport)))

    def _follow_goals(self, topic: str, message: GoalStatusArray, now: float) -> None:
        status = {
            bytes(goal.goal_info.goal_id.uuid): GoalState(
                ENDINGS.get(goal.status, GoalEvent.STARTED), convert.to_ns(goal.goal_info.stamp)
            )
            for goal in message.status_list
        }
        self._follow(topic, self._goals[topic].update(status), now)

    def _follow(self, topic: str, events: list[GoalEvent], now: float) -> None:
        follow = self._lifetime.generation if topic == GENERATE_STATUS else self._lifetime.replay
        for event in events:
            self._do(follow(event, now))

    def _follow_replay(self, state: ReplayState, now: float) -> None:
        self._in_motion = state.phase not in AT_REST
        self._do(self._lifetime.state(self._in_motion, state.episode_id, now))
        # Only now: the bag that this state may have closed belongs to the states before it.
        of_this_bag = state.episode_id == self._episode_id
        if of_this_bag and (self._in_motion or self._replay_state is not None):
            self._replay_state = state

    def _tick(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._notice_dead_servers(now)
            self._do(self._lifetime.tick(now))
            if self._bag is not None:
                try:
                    self._bag.flush()
                except OSError as error:
                    self._give_up(error)

    def _notice_dead_servers(self, now: float) -> None:
        """A server that was killed never reports the end of its goal."""
        for topic in (GENERATE_STATUS, REPLAY_STATUS):
            if self._goals[topic].busy and not self.count_publishers(topic):
                self._follow(topic, self._goals[topic].lose(), now)
        if self._in_motion and not self.count_publishers(names.REPLAY_STATE):
            self._in_motion = False
            self._do(self._lifetime.state(False, '', now))

    def _do(self, steps: list[Step]) -> None:
        for step in steps:
            if step is Step.CLOSE:
                self._close()
            elif not self._recording:
                self.get_logger().warning('recording is off: this one gets no bag')
            elif not self._finished:
                self._open(for_replay=step is Step.OPEN_FOR_REPLAY)
        self._episode_id = self._lifetime.episode_id
        is_known = self._episode is not None and self._episode.episode_id == self._episode_id
        if is_known and not self._has_episode:
            self._has_episode = True
            for name in (names.EPISODE, names.REQUESTED_TRAJECTORY):
                self._recall(name)
            self._describe(custom_data.of_episode(self._episode))

    def _open(self, for_replay: bool) -> None:
        stamp = datetime.now(UTC).strftime('%Y%m%dT%H%M%S_%f')
        self._bag_name = f'{"replay" if for_replay else "generation"}_{stamp}'
        path = self._folder / (self._bag_name + RECORDING_SUFFIX)
        self._has_episode, self._replay_state = False, None
        try:
            self._bag = BagWriter(path, self._about_robot)
        except OSError as error:
            self.get_logger().error(f'no bag is recorded: {path}: {error.strerror or error}')
            return
        for goals in self._goals.values():
            goals.begin()
        self._recall(names.INSTRUCTION)
        self._announce('open')
        self._tap.match_publishers()

    def _recall(self, name: str) -> None:
        """Write what was said before the bag opened, at the present time."""
        remembered = self._remembered.get(name)
        if remembered is not None:
            self._write(dataclasses.replace(remembered, received_ns=time.time_ns()))

    def _write(self, message: Received) -> None:
        if self._bag is None:
            return
        name = self.resolve_topic_name(message.topic.name)
        try:
            if name not in self._bag.topics:
                offered = [e.qos_profile for e in self.get_publishers_info_by_topic(name)]
                profiles = [qos.to_mapping(profile) for profile in offered]
                kind = definition(type_name(message.topic.message_class))
                self._bag.add_topic(name, kind, profiles)
            self._bag.write(name, message.data, message.received_ns, message.sent_ns)
        except OSError as error:
            self._give_up(error)

    def _describe(self, data: dict[str, str]) -> None:
        if self._bag is None:
            return
        try:
            self._bag.update_custom_data(data)
        except OSError as error:
            self._give_up(error)

    def _close(self) -> None:
        if self._bag is None:
            return
        if self._replay_state is not None and self._replay_state.phase in AT_REST:
            self._bag.custom_data.update(custom_data.of_replay(self._replay_state))
        if re.fullmatch(r'\w[\w.\-]{0,200}', self._episode_id):
            path = unique_path(self._folder, self._episode_id)
        else:
            path = self._folder / self._bag_name
        try:
            self._bag.close(path)
        except OSError as error:
            self._give_up(error)
            return
        self._announce('closed')
        self._bag = None

    def _give_up(self, error: OSError) -> None:
        path = self._bag.path
        self.get_logger().error(
            f'recording of {path} has stopped: {error.strerror or error}; '
            f'"vag bag recover {path}" makes a bag of what was written until then'
        )
        self._bag.abandon()
        self._announce('failed')
        self._bag = None

    def _announce(self, state: str) -> None:
        text = f'{state} {self._bag.path}'
        self.get_logger().info(f'bag {text}')
        self._announcer.publish(String(data=text))

    def _report_unfinished(self) -> None:
        for path in sorted(self._folder.glob('*' + RECORDING_SUFFIX)):
            self.get_logger().warning(
                f'{path} was never closed; "vag bag recover {path}" makes a bag of it'
            )


def main() -> int:
    """Run the node until it is told to end."""
    return run(Recorder, outlives_replay=True)
