import json

import numpy as np
import pytest
import yaml

from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, list_episodes, load_episode, save_episode
from vag_core.library import Library

EMBODIMENT = Embodiment(name='one', dimensions=('joint',), units=('rad',))


def record(root, name, stamp_s=1):
    """Save an episode of 2 s without video, and the metadata of a bag of its replay."""
    episode = Episode(
        episode_id=name,
        instruction='turn',
        fps=10.0,
        embodiment=EMBODIMENT,
        actions=np.zeros((21, 1), np.float32),
        videos={},
        stamp_ns=stamp_s * 10**9,
    )
    save_episode(episode, root / 'episodes' / name)
    told = {'vag.position_clamps': json.dumps({'a': 2, 'b': 3}), 'vag.commands_sent': '200'}
    return record_bag(root, name, name, **told, **{'vag.replay_error_string': ''})


def record_bag(root, name, episode_id, **told):
    """Write a bag's metadata."""
    bag = root / 'bags' / name
    bag.mkdir(parents=True)
    custom = {'vag.episode_id': episode_id, **told}
    document = {'rosbag2_bagfile_information': {'version': 9, 'custom_data': custom}}
    (bag / 'metadata.yaml').write_text(yaml.safe_dump(document))
    return bag


@pytest.fixture
def root(tmp_path):
    record(tmp_path, 'second', stamp_s=200)
    record(tmp_path, 'first', stamp_s=100)
    return tmp_path


def test_episodes_are_listed_oldest_first_with_what_their_bags_tell(root):
    records = Library(root).records()
    assert [r.episode_id for r in records] == ['first', 'second']
    first = records[0]
    assert (first.duration, first.clamps, first.outcome) == (2.0, {'a': 2, 'b': 3}, '')
    assert first.success is None
    assert first.bags == (root / 'bags' / 'first',)


def test_a_replay_that_was_refused_does_not_hide_the_one_before(root):
    refused = {'vag.commands_sent': '0', 'vag.replay_error_string': 'the arms are elsewhere'}
    later = record_bag(root, 'first_2', 'first', **refused)
    first = Library(root).find('first')
    assert first.bags == (root / 'bags' / 'first', later)
    assert (first.replayed, first.clamps) == (root / 'bags' / 'first', {'a': 2, 'b': 3})
    assert first.outcome == ''


def test_a_refusal_is_told_where_no_replay_has_moved_the_arms(root):
    metadata = root / 'bags' / 'first' / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace("'200'", "'0'"))
    record_bag(root, 'first_2', 'first', **{'vag.replay_error_string': 'the arms are elsewhere'})
    first = Library(root).find('first')
    assert (first.replayed, first.outcome) == (None, 'the arms are elsewhere')


def test_a_label_goes_into_the_episode_and_its_bag(root):
    Library(root).label('first', success=False, note='dropped it')
    episode = load_episode(root / 'episodes' / 'first')
    assert episode.success is False
    assert episode.provenance['operator']['note'] == 'dropped it'
    document = yaml.safe_load((root / 'bags' / 'first' / 'metadata.yaml').read_text())
    custom = document['rosbag2_bagfile_information']['custom_data']
    assert (custom['vag.success'], custom['vag.note']) == ('false', 'dropped it')
    assert custom['vag.position_clamps']
    assert document['rosbag2_bagfile_information']['version'] == 9


def test_a_note_alone_keeps_the_label(root):
    library = Library(root)
    library.label('first', success=True, note=None)
    assert library.label('first', success=None, note='nice').success is True


def test_what_is_set_aside_is_kept_but_no_longer_listed(root):
    library = Library(root)
    moved = library.move('first', aside=True)
    assert moved.set_aside
    assert [r.episode_id for r in library.records()] == ['second']
    assert [p.name for p in list_episodes(root / 'episodes')] == ['second']
    assert [r.episode_id for r in library.records(set_aside=True)] == ['first']
    assert load_episode(moved.folder).instruction == 'turn'
    assert not library.move('first', aside=False).set_aside
    assert len(library.records()) == 2


def test_an_episode_is_never_set_aside_over_another(root):
    library = Library(root)
    library.move('first', aside=True)
    record(root / 'again', 'first')
    (root / 'again' / 'episodes' / 'first').rename(root / 'episodes' / 'first')
    with pytest.raises(ValueError, match='is there already'):
        library.move('first', aside=True)
    assert (root / 'episodes' / 'first').is_dir()


@pytest.mark.parametrize(
    'damage',
    [
        lambda root: (root / 'episodes/first/episode.json').write_text('{'),
        lambda root: (root / 'episodes/first/arrays.npz').unlink(),
        lambda root: (root / 'episodes/first/arrays.npz').write_bytes(b'no zip'),
        lambda root: (root / 'bags/first/metadata.yaml').write_text('a: [b'),
    ],
    ids=['header', 'no arrays', 'broken arrays', 'broken bag'],
)
def test_an_episode_that_cannot_be_read_is_named_and_hides_no_other(root, damage):
    damage(root)
    unreadable = []
    assert [r.episode_id for r in Library(root).records(False, unreadable.append)] == ['second']
    (error,) = unreadable
    assert 'first' in str(error) and 'no readable episode' in str(error)
    assert Library(root).label('second', True, None).success
    with pytest.raises(ValueError, match='no readable episode'):
        Library(root).find('first')


def test_an_unknown_episode_is_named(root):
    with pytest.raises(ValueError, match="episode 'third': not in"):
        Library(root).label('third', success=True, note=None)


def test_a_bag_of_another_episode_with_a_longer_name_is_not_taken(root):
    record(root, 'first_2', stamp_s=300)
    assert Library(root).find('first').bags == (root / 'bags' / 'first',)
