import numpy as np
import pytest
from builtin_interfaces.msg import Time
from scipy.spatial.transform import Rotation
from simulated_arms import PROFILE, SimulatedArms

from vag_core.kinematics import KinematicTree
from vag_core.robot_description import describe
from vag_ros.robot_display import GHOST_PREFIX, transforms

POSITIONS = dict(zip(PROFILE.joint_names, 0.8 * PROFILE.home_position + 0.01, strict=True))


def chained(messages, frame):
    """Pose of a frame in the one that hangs on nothing, by following the transforms."""
    by_child = {message.child_frame_id: message for message in messages}
    pose = np.eye(4)
    while frame in by_child:
        t, r = by_child[frame].transform.translation, by_child[frame].transform.rotation
        step = np.eye(4)
        step[:3, :3] = Rotation.from_quat([r.x, r.y, r.z, r.w]).as_matrix()
        step[:3, 3] = t.x, t.y, t.z
        pose = step @ pose
        frame = by_child[frame].header.frame_id
    return frame, pose


@pytest.mark.parametrize(('prefix', 'ghost'), [('', False), (GHOST_PREFIX, True)])
def test_the_transforms_chained_are_the_poses_of_the_links(prefix, ghost):
    tree = KinematicTree(describe(PROFILE, ghost=ghost))
    messages = transforms(tree, POSITIONS, prefix, Time(sec=7))
    assert {message.header.stamp.sec for message in messages} == {7}
    for link, pose in tree.poses(POSITIONS).items():
        root, found = chained(messages, prefix + link)
        assert root == tree.root
        np.testing.assert_allclose(found, pose, atol=1e-9)


def test_robot_and_ghost_are_on_tf_where_there_is_its_message(launch_node, client):
    tf2_msgs = pytest.importorskip('tf2_msgs.msg', reason='comes with a ROS 2 installation')
    launch_node('replay_server', robot='sim')
    launch_node('operator')
    arms = SimulatedArms(client)
    frames = set()
    client.node.create_subscription(
        tf2_msgs.TFMessage,
        '/tf',
        lambda message: frames.update(t.child_frame_id for t in message.transforms),
        100,
    )
    client.wait(lambda: {'left_tcp', 'ghost/base_link', 'ghost/left_tcp'} <= frames, what='/tf')
    arms.close()
