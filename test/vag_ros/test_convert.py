import array
import json
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image

from vag_core.embodiment import Embodiment
from vag_core.episode import Episode
from vag_core.images import decode_image, encode_jpeg, encode_png
from vag_core.robot import load_profile
from vag_ros import convert, msg

SIM = load_profile('sim')
CODES = {
    'rgb8': None,
    'bgr8': cv2.COLOR_RGB2BGR,
    'rgba8': cv2.COLOR_RGB2RGBA,
    'bgra8': cv2.COLOR_RGB2BGRA,
}
PIXELS = npst.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
float32 = st.floats(-1e4, 1e4, width=32)


def raw_image(pixels, encoding, padding=0):
    height, width = pixels.shape[:2]
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, padding)), constant_values=77)
    return Image(
        height=height,
        width=width,
        encoding=encoding,
        step=rows.shape[1],
        data=array.array('B', rows.tobytes()),
    )


def an_episode(actions, fps=10.0, stamp_ns=1_700_000_000_123_456_789, embodiment=None, **fields):
    ramp = np.linspace(0, 255, 16 * 24 * 3).reshape(16, 24, 3).astype(np.uint8)
    video = np.stack([np.roll(ramp, step, axis=1) for step in range(len(actions))])
    return Episode(
        episode_id='20261120T231501Z_s42',
        instruction='put the red cube into the bowl',
        fps=fps,
        embodiment=embodiment or SIM.as_embodiment(),
        actions=actions,
        videos={'cam_high': video},
        stamp_ns=stamp_ns,
        conditioning_image=encode_png(ramp),
        conditioning_stamp_ns=stamp_ns - 2_000_000_001,
        provenance={
            'seed': 42,
            'checkpoint': 'test',
            'checkpoint_hash': 'ab' * 32,
            'evaluation': 'random weights',
            'timings_s': {'denoising': 0.1},
        },
        **fields,
    )


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


@given(st.integers(0, (2**31) * convert.NS - 1))
def test_stamps_round_trip_exactly(stamp_ns):
    assert convert.to_ns(convert.to_time(stamp_ns)) == stamp_ns


@given(st.integers(-(2**31) * convert.NS, 2**31 * convert.NS - 1))
def test_durations_round_trip_exactly(duration_ns):
    assert convert.to_ns(convert.to_duration(duration_ns)) == duration_ns


@given(st.integers(0, 100_000))
def test_step_times_at_ten_hertz_are_exact(step):
    assert convert.step_ns(step, 10.0) == step * 100_000_000


@given(PIXELS, st.sampled_from(sorted(CODES)), st.integers(0, 5))
def test_raw_images_of_every_encoding_and_row_padding_give_their_pixels(pixels, encoding, padding):
    code = CODES[encoding]
    sent = pixels if code is None else cv2.cvtColor(pixels, code)
    data, received = convert.read_image(raw_image(sent, encoding, padding))
    np.testing.assert_array_equal(received, pixels)
    np.testing.assert_array_equal(decode_image(data), pixels)


@given(PIXELS, st.integers(0, 5))
def test_a_grey_image_becomes_three_equal_channels(pixels, padding):
    grey = pixels[:, :, :1]
    received = convert.raw_to_rgb(raw_image(grey, 'mono8', padding))
    np.testing.assert_array_equal(received, np.repeat(grey, 3, axis=2))


@pytest.mark.parametrize('encode', [encode_jpeg, encode_png])
def test_a_compressed_image_keeps_its_bytes(encode):
    pixels = np.full((8, 10, 3), (200, 30, 90), np.uint8)
    message = convert.to_compressed(encode(pixels), 5, 'camera')
    data, received = convert.read_image(over_the_wire(message))
    assert data == encode(pixels)
    np.testing.assert_array_equal(received, decode_image(data))


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'encoding': 'yuv422'}, "image.encoding = 'yuv422'"),
        ({'step': 29}, 'image.step = 29: 10 pixels of rgb8 need 30'),
        ({'height': 9}, 'image.data: 240 bytes for 9 rows of 30'),
        ({'width': 0}, 'image: 8 x 0 pixels'),
    ],
)
def test_a_contradictory_raw_image_is_refused_with_its_field(changes, said):
    message = raw_image(np.zeros((8, 10, 3), np.uint8), 'rgb8')
    for field, value in changes.items():
        setattr(message, field, value)
    with pytest.raises(ValueError) as caught:
        convert.read_image(message)
    assert said in str(caught.value)


@pytest.mark.parametrize('data', [b'', b'no picture'])
def test_bytes_that_are_no_picture_are_refused(data):
    message = CompressedImage(format='jpeg', data=array.array('B', data))
    with pytest.raises(ValueError, match=r"image.data \(format 'jpeg'\): \d+ bytes"):
        convert.read_image(message)


@given(
    npst.arrays(np.float64, st.tuples(st.integers(0, 5), st.integers(1, 14))),
    st.sampled_from([1.0, 10.0, 29.97, 30.0, 200.0]),
)
def test_trajectories_round_trip_bit_by_bit(positions, fps):
    joint_names = [f'joint{index}' for index in range(positions.shape[1])]
    trajectory = over_the_wire(convert.to_trajectory(joint_names, positions, fps))
    received, times = convert.from_trajectory(trajectory)
    assert received.tobytes() == positions.tobytes()
    assert list(trajectory.joint_names) == joint_names
    assert list(times) == [round(step * 1e9 / fps) for step in range(len(positions))]


def test_a_trajectory_may_start_now():
    trajectory = convert.to_trajectory(['joint1'], np.zeros((2, 1)), 10.0)
    assert convert.to_ns(trajectory.header.stamp) == 0


def test_a_point_with_a_missing_position_is_refused_with_its_index():
    trajectory = convert.to_trajectory(['joint1', 'joint2'], np.zeros((3, 2)), 10.0)
    trajectory.points[1].positions = [0.0]
    with pytest.raises(ValueError, match=r'points\[1\].positions: 1 values for 2'):
        convert.from_trajectory(trajectory)


@settings(deadline=None, max_examples=25)
@given(
    npst.arrays(np.float32, st.tuples(st.integers(1, 4), st.just(14)), elements=float32),
    st.sampled_from([5.0, 10.0, 29.97]),
    st.integers(0, 2**31 * convert.NS - 10 * convert.NS),
)
def test_an_episode_comes_back_from_its_message_exactly_but_for_its_video(actions, fps, stamp_ns):
    episode = an_episode(actions, fps, stamp_ns + 3 * convert.NS)
    received = convert.from_episode_message(
        over_the_wire(convert.to_episode_message(episode, SIM))
    )
    for field in Episode.__dataclass_fields__:
        if field not in ('actions', 'videos'):
            assert getattr(received, field) == getattr(episode, field), field
    assert received.actions.dtype == np.float32
    np.testing.assert_array_equal(received.actions, episode.actions)
    sent, back = (e.videos['cam_high'].astype(int) for e in (episode, received))
    assert np.abs(sent - back).mean() < 3


def test_frames_carry_their_planned_time():
    episode = an_episode(np.zeros((93, 14), np.float32))
    message = convert.to_episode_message(episode, SIM)
    stamps = [convert.to_ns(frame.header.stamp) for frame in message.video]
    assert stamps == [episode.stamp_ns + k * 100_000_000 for k in range(93)]
    assert {frame.header.frame_id for frame in message.video} == {SIM.camera.frame_id}


def test_a_message_names_the_robots_joints_and_how_it_was_made():
    message = convert.to_episode_message(an_episode(np.zeros((2, 14), np.float32)), SIM)
    assert tuple(message.trajectory.joint_names) == SIM.joint_names
    assert (message.seed, message.checkpoint, message.evaluation) == (42, 'test', 'random weights')
    assert (message.robot_profile, message.embodiment) == ('sim', 'agilex_14')
    assert json.loads(message.provenance_json)['timings_s'] == {'denoising': 0.1}


def test_actions_become_the_robots_units_and_come_back():
    robot = SIM.as_embodiment()
    normalised = Embodiment(
        name=robot.name,
        dimensions=robot.dimensions,
        units=tuple('normalised' if unit == 'm' else unit for unit in robot.units),
        robot_scale=tuple(0.07 if unit == 'm' else 1.0 for unit in robot.units),
        robot_offset=(0.0,) * robot.dimension,
    )
    actions = np.random.default_rng(0).uniform(0, 1, (5, 14)).astype(np.float32)
    message = convert.to_episode_message(an_episode(actions, embodiment=normalised), SIM)
    assert message.trajectory.points[3].positions[6] == 0.07 * float(actions[3, 6])
    received = convert.from_episode_message(message)
    np.testing.assert_array_equal(received.actions, actions)
    assert received.embodiment == normalised


def test_an_episode_of_another_size_than_the_robot_is_refused():
    arm = Embodiment(name='one_arm', dimensions=('a', 'b'), units=('rad', 'rad'))
    episode = an_episode(np.zeros((2, 2), np.float32), embodiment=arm)
    with pytest.raises(ValueError, match='one_arm: 2 dimensions, robot sim has 14'):
        convert.to_episode_message(episode, SIM)


@pytest.mark.parametrize('text', ['', '[]', '{"seed": 1}', '{"embodiment": 3}'])
def test_a_message_without_its_embodiment_is_refused(text):
    message = convert.to_episode_message(an_episode(np.zeros((2, 14), np.float32)), SIM)
    message.provenance_json = text
    with pytest.raises(ValueError, match='provenance_json'):
        convert.from_episode_message(message)


def test_a_message_without_frames_is_refused():
    message = convert.to_episode_message(an_episode(np.zeros((2, 14), np.float32)), SIM)
    message.video = []
    with pytest.raises(ValueError, match='video: no frames'):
        convert.from_episode_message(message)


def test_an_episode_message_is_plain_cdr():
    message = convert.to_episode_message(an_episode(np.ones((2, 14), np.float32)), SIM)
    data = serialize_message(message)
    assert struct.unpack('4B', data[:4]) == (0, 1, 0, 0)
    assert deserialize_message(data, msg.Episode) == message
