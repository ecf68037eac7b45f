import argparse

import numpy as np

from vag_core.embodiment import Embodiment
from vag_core.episode import Episode, save_episode
from vag_ros.cli import episodes


def test_the_table_fits_a_terminal_and_leaves_names_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '80')
    name = '20261121T193116Z_s2761795826'
    episode = Episode(
        episode_id=name,
        instruction='pick up the red cube with the left arm and put it into the white bowl',
        fps=10.0,
        embodiment=Embodiment(name='one', dimensions=('joint',), units=('rad',)),
        actions=np.zeros((21, 1), np.float32),
        videos={},
        stamp_ns=10**18,
        success=False,
        provenance={'operator': {'note': 'dropped it'}},
    )
    save_episode(episode, tmp_path / 'episodes' / name)
    assert episodes.run(argparse.Namespace(output_dir=tmp_path, set_aside=False)) == 0
    rows = capsys.readouterr().out.splitlines()
    assert all(len(row) <= 80 for row in rows[:-1])
    text = ' '.join(' '.join(rows).split())
    for told in (name, '2001-09-09 01:46, 2.0 s', 'failure: dropped it', 'no bag'):
        assert told in text
