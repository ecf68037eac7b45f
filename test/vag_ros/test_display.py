import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from vag_core.images import encode_jpeg
from vag_core.robot import load_profile
from vag_ros import names
from vag_ros.msg import ReplayState


@pytest.mark.parametrize('number', [2, 15], ids=['SIGINT', 'SIGTERM'])
def test_takes_images_and_state_and_ends_cleanly(launch_node, client, monkeypatch, number):
    monkeypatch.setenv('SDL_VIDEODRIVER', 'dummy')
    display = launch_node('display', robot='sim')
    jpeg = CompressedImage(format='jpeg', data=encode_jpeg(np.zeros((48, 64, 3), np.uint8)))
    topic = load_profile('sim').camera.topic
    cameras = client.node.create_publisher(CompressedImage, topic, names.CAMERA_QOS)
    videos = client.node.create_publisher(CompressedImage, names.PREVIEW_VIDEO, names.STATE_QOS)
    states = client.node.create_publisher(ReplayState, names.REPLAY_STATE, names.STATE_QOS)
    for publisher in (cameras, videos, states):
        client.wait(publisher.get_subscription_count, what='the display')
    cameras.publish(jpeg)
    videos.publish(jpeg)
    states.publish(ReplayState(phase_name='EXECUTING', armed=True))
    assert states.wait_for_all_acked()
    assert display.end(number) == 0
