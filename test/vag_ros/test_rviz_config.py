"""rviz/vag.rviz against what the running nodes publish."""

from pathlib import Path

import pytest
import yaml
from node_processes import Client, node_launcher, reserved_domain
from rclpy.qos import QoSCompatibility, qos_check_compatible

from vag_ros import rviz_config

ROOT = Path(__file__).resolve().parents[2]

CLASSES = {
    'Grid': 1,
    'Image': 3,
    'InteractiveMarkers': 1,
    'MarkerArray': 2,
    'RobotModel': 2,
    'TF': 1,
}
# The properties of RViz's displays, as the sources of rviz_default_plugins name them (jazzy);
# RViz passes over any other name in silence. With them the type of the value.
PROPERTIES = {
    'Grid': {
        'Alpha': float, 'Cell Size': float, 'Plane': str, 'Plane Cell Count': int,
        'Reference Frame': str,
    },
    'Image': {
        'Max Value': float, 'Median window': int, 'Min Value': float, 'Normalize Range': bool,
        'Topic': dict,
    },
    'InteractiveMarkers': {
        'Enable Transparency': bool, 'Interactive Markers Namespace': str, 'Show Axes': bool,
        'Show Descriptions': bool, 'Show Visual Aids': bool,
    },
    'MarkerArray': {'Namespaces': dict, 'Topic': dict},
    'RobotModel': {
        'Alpha': float, 'Collision Enabled': bool, 'Description File': str,
        'Description Source': str, 'Description Topic': dict, 'TF Prefix': str,
        'Update Interval': float, 'Visual Enabled': bool,
    },
    'TF': {
        'Frame Timeout': float, 'Marker Scale': float, 'Show Arrows': bool, 'Show Axes': bool,
        'Show Names': bool, 'Update Interval': float,
    },
}  # fmt: skip
COMMON = {'Class': str, 'Enabled': bool, 'Name': str, 'Value': bool}
TOPIC = {
    'Depth': {1, 5, 10},
    'Durability Policy': {'Transient Local', 'Volatile', 'System Default'},
    'History Policy': {'Keep All', 'Keep Last', 'System Default'},
    'Reliability Policy': {'Best Effort', 'Reliable', 'System Default'},
}
ORBIT = {
    'Class', 'Distance', 'Focal Point', 'Name', 'Near Clip Distance', 'Pitch', 'Target Frame',
    'Value', 'Yaw',
}  # fmt: skip


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


def test_every_property_is_one_that_its_display_has_and_of_its_type():
    for display in config()['Displays']:
        known = COMMON | PROPERTIES[display['Class'].removeprefix('rviz_default_plugins/')]
        for name, value in display.items():
            kind = (int, float) if known[name] is float else known[name]
            assert isinstance(value, kind), (display['Name'], name)
            assert known[name] is bool or not isinstance(value, bool), (display['Name'], name)


def test_every_topic_says_all_of_its_quality_of_service_in_rviz_s_words():
    for display in config()['Displays']:
        topic = display.get('Topic') or display.get('Description Topic')
        if topic is not None:
            assert topic.keys() == {*TOPIC, 'Value'}, display['Name']
            assert all(topic[name] in TOPIC[name] for name in TOPIC), display['Name']


def test_rviz_finds_the_transport_of_a_picture_at_the_end_of_its_topic():
    pictures = [d for d in config()['Displays'] if d['Class'].endswith('/Image')]
    assert all(d['Topic']['Value'].endswith('/compressed') for d in pictures)
    assert 'compressed_image_transport' in (ROOT / 'package.xml').read_text()


def test_the_view_is_an_orbit_with_properties_that_it_has():
    view = config()['Views']['Current']
    assert view['Class'] == 'rviz_default_plugins/Orbit'
    assert view.keys() == ORBIT
    assert view['Focal Point'].keys() == {'X', 'Y', 'Z'}


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
