import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader
from std_msgs.msg import String

from vag_ros.bag.definitions import definition
from vag_ros.bag.reader import BagError, find_problem, inspect
from vag_ros.bag.recover import recover
from vag_ros.bag.writer import BagWriter, unique_path

TOPIC = '/chatter'
FLUSHES, PER_FLUSH = 4, 5


def write_bag(folder):
    """Write 20 messages in 4 flushes and leave the bag as a dead writer leaves it."""
    writer = BagWriter(folder / 'talk.recording', {'vag.seed': '3'})
    writer.add_topic(TOPIC, definition('std_msgs/msg/String'), [])
    for k in range(FLUSHES * PER_FLUSH):
        writer.write(TOPIC, serialize_message(String(data=f'word {k}')), 1000 + k, 900 + k)
        if k % PER_FLUSH == PER_FLUSH - 1:
            writer.flush()
    return writer


def words(bag):
    with AnyReader([bag]) as reader:
        return [(t, deserialize_message(data, String).data) for _, t, data in reader.messages()]


@pytest.fixture
def torn(tmp_path):
    writer = write_bag(tmp_path)
    writer.abandon()
    return writer.path


def test_everything_flushed_is_recovered_in_order_with_its_custom_data(torn):
    recovery = recover(torn)
    assert recovery.path == torn.with_name('talk_recovered')
    assert recovery.messages == 20
    assert words(recovery.path) == [(1000 + k, f'word {k}') for k in range(20)]
    assert inspect(recovery.path).custom_data == {'vag.seed': '3', 'vag.state': 'recovered'}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_file_cut_anywhere_gives_the_whole_chunks_before_the_cut(torn, tmp_path, data):
    content = next(torn.glob('*.mcap')).read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    rubbish = data.draw(st.binary(max_size=20))
    folder = unique_path(tmp_path, 'cut')
    folder.mkdir()
    (folder / 'talk.mcap').write_bytes(content[:cut] + rubbish)
    assert find_problem(folder)
    try:
        found = words(recover(folder).path)
    except BagError as error:
        assert 'no intact message' in str(error)
        found = []
    assert found == [(1000 + k, f'word {k}') for k in range(len(found))]
    assert len(found) % PER_FLUSH == 0
    assert cut < len(content) or len(found) == 20


def test_the_original_stays_as_it_was(torn):
    before = {p.name: p.read_bytes() for p in torn.iterdir()}
    recover(torn)
    assert {p.name: p.read_bytes() for p in torn.iterdir()} == before


def test_an_existing_folder_is_not_overwritten(torn, tmp_path):
    (tmp_path / 'mine').mkdir()
    with pytest.raises(BagError, match='exists already'):
        recover(torn, tmp_path / 'mine')
    assert list((tmp_path / 'mine').iterdir()) == []


def test_a_bag_without_an_intact_message_leaves_nothing_behind(tmp_path):
    BagWriter(tmp_path / 'empty.recording', {}).abandon()
    with pytest.raises(BagError, match='no intact message'):
        recover(tmp_path / 'empty.recording')
    assert [p.name for p in tmp_path.iterdir()] == ['empty.recording']


def test_a_closed_bag_has_no_problem_and_its_final_name_inside_and_out(tmp_path):
    bag = write_bag(tmp_path).close(tmp_path / 'episode_1')
    assert find_problem(bag) == ''
    assert sorted(p.name for p in bag.iterdir()) == ['episode_1.mcap', 'metadata.yaml']
    assert not (tmp_path / 'talk.recording').exists()
    assert len(words(bag)) == 20


def test_an_open_bag_already_has_readable_metadata(torn):
    info = inspect(torn)
    assert info.custom_data['vag.state'] == 'recording'
    assert 'not closed' in info.problem
    assert [(t.name, t.type_name, t.count) for t in info.topics] == [
        (TOPIC, 'std_msgs/msg/String', 20)
    ]


def test_names_are_numbered_where_they_are_taken(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a_2.recording').mkdir()
    assert unique_path(tmp_path, 'a').name == 'a_3'
