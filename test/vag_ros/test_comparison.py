"""The live camera beside what the episode starts from, in a real node of this process."""

import numpy as np
import pytest
from node_processes import Client, reserved_domain
from sensor_msgs.msg import CompressedImage

from vag_core.images import encode_png
from vag_core.robot import load_profile
from vag_ros import comparison, convert, msg, names

PROFILE = load_profile('sim')


@pytest.fixture
def client():
    with reserved_domain() as domain:
        client = Client(domain)
        yield client
        client.close()


def test_a_camera_that_falls_silent_is_shown_as_such(client, monkeypatch):
    monkeypatch.setattr(comparison, 'FROZEN_S', 600.0)
    captions = []
    write = comparison.write_caption
    monkeypatch.setattr(
        comparison,
        'write_caption',
        lambda image, caption: captions.append(caption) or write(image, caption),
    )
    seen = []
    client.node.create_subscription(
        CompressedImage, names.PREVIEW_COMPARISON, seen.append, names.STATE_QOS
    )
    camera = client.node.create_publisher(CompressedImage, PROFILE.camera.topic, names.CAMERA_QOS)
    shown = comparison.Comparison(client.node, PROFILE)
    image = convert.to_compressed(encode_png(np.full((48, 64, 3), 90, np.uint8)))
    shown.set_episode(msg.Episode(conditioning_image=image))
    client.wait(camera.get_subscription_count, what='the comparison')
    camera.publish(image)
    client.wait(lambda: 'live' in captions, what='the live picture')
    monkeypatch.setattr(comparison, 'FROZEN_S', 0.5)
    client.wait(lambda: any('NO NEW PICTURE' in c for c in captions) and seen, what='the words')
    assert captions[:2] == ['the episode starts from this', 'live']
