import pytest
from action_msgs.msg import GoalStatusArray
from rcl_interfaces.msg import Log
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from sensor_msgs.msg import CompressedImage, Image, JointState
from trajectory_msgs.msg import JointTrajectory

from vag_ros import msg
from vag_ros.action import GenerateEpisode, ReplayTrajectory
from vag_ros.bag.definitions import definition, type_name

RECORDED = [
    GenerateEpisode.Impl.FeedbackMessage,
    ReplayTrajectory.Impl.FeedbackMessage,
    msg.Episode,
    msg.ReplayState,
    msg.ClampReport,
    GoalStatusArray,
    Log,
    CompressedImage,
    Image,
    JointState,
    JointTrajectory,
]


@pytest.mark.parametrize('message_class', RECORDED, ids=type_name)
def test_rosbags_computes_the_installed_hash_from_the_text(message_class):
    name = type_name(message_class)
    found = definition(name)
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(found.text, name))
    assert store.hash_rihs01(name) == found.type_hash


def test_constants_of_a_feedback_type_are_kept():
    text = definition('vag_ros/action/GenerateEpisode_FeedbackMessage').text
    assert 'uint8 STAGE_DENOISING=1' in text


def test_an_unknown_package_is_named():
    with pytest.raises(LookupError, match='no_such_msgs'):
        definition('no_such_msgs/msg/Thing')


def test_an_unknown_type_is_named():
    with pytest.raises(LookupError, match=r'Thing\.json'):
        definition('std_msgs/msg/Thing')
