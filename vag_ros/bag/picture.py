"""One picture of a bag: what was generated, what the camera saw, and where the joints went.

Generated frame k belongs to the command of the tick ``approach + time_scale * k / fps``.
Everything is drawn at the time at which it was recorded, so both rows of frames show the same
instants of the plan even where late ticks have stretched the motion.
"""

from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import JointState

from vag_core.images import decode_image
from vag_core.robot import Arm, RobotProfile, load_profile
from vag_ros import names
from vag_ros.bag.custom_data import ROBOT_PROFILE
from vag_ros.bag.reader import BagError, inspect
from vag_ros.convert import to_ns
from vag_ros.msg import ClampReport

COLUMNS = 6
NS = 1e-9
# Noise of a joint that rests must not look like motion; rad or m.
LEAST_SPAN = 0.05


def draw_bag(bag: Path, path: Path) -> None:
    """Write a PNG of the bag's replay to ``path``.

    Raises:
        BagError: the bag holds no whole replay; the topic that is empty is named.
    """
    from matplotlib.figure import Figure

    profile = load_profile(inspect(bag).custom_data[ROBOT_PROFILE])
    topics = _read(bag, profile)
    report = topics[names.CLAMP_REPORT][-1][1]
    episode = topics[names.EPISODE][-1][1]
    duration = (len(episode.video) - 1) / episode.fps
    shown = np.linspace(0, len(episode.video) - 1, COLUMNS).round().astype(int)
    moments = _when_sent(report, shown / episode.fps, topics[profile.arms[0].command_topic])

    figure = Figure(figsize=(15, 8.5), layout='constrained')
    rows = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    pictures = rows[0].subplots(2, COLUMNS)
    camera = topics[profile.camera.topic]
    for column, (k, moment) in enumerate(zip(shown, moments, strict=True)):
        generated = decode_image(bytes(episode.video[k].data))
        live = min(camera, key=lambda item: abs(item[0] - moment))[1]
        for row, image in enumerate((generated, decode_image(bytes(live.data)))):
            axis = pictures[row, column]
            axis.imshow(image, aspect='auto')
            axis.set_xticks([])
            axis.set_yticks([])
        pictures[0, column].set_title(f'{k / episode.fps:.1f} s', fontsize=10)
    pictures[0, 0].set_ylabel('generated')
    pictures[1, 0].set_ylabel('live camera')

    axes = rows[1].subplots(2, 7, sharex=True)
    for arm, line in zip(profile.arms, axes, strict=True):
        _plot_arm(arm, profile, topics, line)
    axes[0, 0].legend(fontsize=7)
    rows[1].supxlabel(
        f'time since the motion began [s]; angles in rad, grippers in m; {duration:.1f} s of '
        f'actions planned for {report.motion_duration:.1f} s: '
        f'{report.approach_duration:.1f} s of approach, '
        f'then slower by {report.time_scale:.2f}',
        fontsize=9,
    )
    figure.suptitle(f'"{episode.instruction}"   {episode.checkpoint}: {episode.evaluation}')
    figure.savefig(path, dpi=90)


def _when_sent(
    report: ClampReport, times: np.ndarray, commands: list[tuple[int, JointState]]
) -> np.ndarray:
    """Map request times (n,) s to the log times (n,) ns of the commands that belong to them."""
    stamps = np.array([to_ns(message.header.stamp) for _, message in commands])
    logged = np.array([time for time, _ in commands])
    ticks = (report.approach_duration + report.time_scale * times) / NS
    return np.interp(ticks, stamps - stamps[0], logged)


def _plot_arm(arm: Arm, profile: RobotProfile, topics: dict[str, list], axes: np.ndarray) -> None:
    requested = topics[names.REQUESTED_TRAJECTORY][-1][1]
    commands = topics[arm.command_topic]
    start = commands[0][0]
    for topic, style, label in (
        (arm.command_topic, '-', 'sent'),
        (arm.feedback_topic, '--', 'measured'),
    ):
        times = np.array([(time - start) * NS for time, _ in topics[topic]])
        positions = np.array([profile.from_driver(arm, m.position) for _, m in topics[topic]])
        for axis, values in zip(axes, positions[times >= 0].T, strict=True):
            axis.plot(times[times >= 0], values, style, linewidth=1, label=label)
    request_times = np.array([to_ns(point.time_from_start) * NS for point in requested.points])
    times = (_when_sent(topics[names.CLAMP_REPORT][-1][1], request_times, commands) - start) * NS
    actions = np.array([point.positions for point in requested.points])
    for axis, joint in zip(axes, arm.joints, strict=True):
        values = actions[:, requested.joint_names.index(joint)]
        axis.plot(times, values, ':', linewidth=1.5, label='requested')
        axis.set_title(joint, fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
        low, high = axis.get_ylim()
        if high - low < LEAST_SPAN:
            axis.set_ylim((low + high - LEAST_SPAN) / 2, (low + high + LEAST_SPAN) / 2)


def _read(bag: Path, profile: RobotProfile) -> dict[str, list[tuple[int, Any]]]:
    """Return (log time ns, message) lists of the topics that the picture needs."""
    needed = [names.CLAMP_REPORT, names.EPISODE, names.REQUESTED_TRAJECTORY, profile.camera.topic]
    needed += [topic for arm in profile.arms for topic in (arm.command_topic, arm.feedback_topic)]
    topics: dict[str, list] = {topic: [] for topic in needed}
    with AnyReader([bag]) as reader:
        for connection, time, data in reader.messages():
            for topic in needed:
                if connection.topic == topic or connection.topic.endswith(f'/{topic}'):
                    topics[topic].append((time, reader.deserialize(data, connection.msgtype)))
    for topic, messages in topics.items():
        if not messages:
            raise BagError(f'{bag}: no message on {topic}: this bag holds no whole replay')
    return topics
