"""rviz/vag.rviz against what the running nodes publish."""

import pytest
import yaml
from node_processes import Client, node_launcher, reserved_domain
from rclpy.qos import QoSCompatibility, qos_check_compatible

from vag_ros import rviz_config

CLASSES = {
    'Grid': 1,
    'Image': 3,
    'InteractiveMarkers': 1,
    'MarkerArray': 2,
    'RobotModel': 2,
    'TF': 1,
}


@pytest.fixture(scope='module')
def stack(tmp_path_factory, small_checkpoint):
    """The nodes that publish for RViz."""
    folder = tmp_path_factory.mktemp('rviz')
    with reserved_domain() as domain, node_launcher(domain, folder) as launch:
        launch('operator')
        launch('sim_robot', camera_rate_hz=2.0, wrist_cameras=False)
        launch('generator', checkpoint=str(small_checkpoint), output_dir=str(folder))
        client = Client(domain)
        yield client.node, client
        client.close()


def config():
    return yaml.safe_load(rviz_config.path().read_text())['Visualization Manager']


def test_the_displays_are_those_that_an_operator_needs():
    found = [
        display['Class'].removeprefix('rviz_default_plugins/') for display in config()['Displays']
    ]
    assert {name: found.count(name) for name in found} == CLASSES
    assert all(display['Enabled'] is display['Value'] for display in config()['Displays'])


def test_interact_is_the_first_tool_and_the_frame_is_that_of_the_markers():
    assert config()['Tools'][0]['Class'] == 'rviz_default_plugins/Interact'
    assert config()['Global Options']['Fixed Frame'] == 'base_link'


def test_the_ghost_has_a_prefix_of_its_own():
    live, ghost = [d for d in config()['Displays'] if d['Class'].endswith('RobotModel')]
    assert (live['TF Prefix'], ghost['TF Prefix']) == ('', 'ghost')


@pytest.mark.parametrize('wanted', rviz_config.subscriptions(), ids=lambda item: item.display)
def test_each_topic_has_a_publisher_of_its_type_with_compatible_quality_of_service(stack, wanted):
    node, client = stack
    (publisher,) = client.wait(
        lambda: node.get_publishers_info_by_topic(wanted.topic), what=wanted.topic
    )
    assert publisher.topic_type == wanted.type_name
    verdict, reason = qos_check_compatible(publisher.qos_profile, wanted.qos)
    assert verdict != QoSCompatibility.ERROR, reason


def test_the_marker_server_is_there_under_its_namespace(stack):
    node, client = stack
    namespace = rviz_config.marker_namespace()

    def known():
        pairs = [*node.get_topic_names_and_types(), *node.get_service_names_and_types()]
        return {name: types for name, types in pairs if name.startswith(f'{namespace}/')}

    expected = {f'{namespace}/{name}': [kind] for name, kind in rviz_config.SERVER.items()}
    client.wait(lambda: expected.items() <= known().items(), what=namespace)
