import argparse
import json

import numpy as np
import pytest

from vag_core.images import encode_png
from vag_sim import synthesize_cli as verb


def run(*arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(argument) for argument in arguments]))


def test_it_makes_a_set_and_prints_what_it_came_to(generator, tmp_path, capsys):
    generator.actions[:] = generator.actions[0]
    out = tmp_path / 'set'
    asked = ('--tasks', 'lift_cube:left', '--episodes', 1, '--workers', 1, '--out', out)
    assert run(*asked) == 0
    printed = capsys.readouterr().out
    assert 'made now: 1 still' in printed
    assert '| lift_cube:left | 1 | 0.0 % [0.0, 79.3] | 0 | 1 | 0 | 0 |' in printed
    assert (out / 'rejected' / 'contact_sheet.png').is_file()
    assert run(*asked, '--json') == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary['tasks']['all']['outcomes'] == {'still': 1}


def test_a_list_of_pictures_is_generated_and_left_unjudged(generator, tmp_path, capsys):
    (tmp_path / 'a.png').write_bytes(encode_png(np.zeros((96, 128, 3), np.uint8)))
    (tmp_path / 'list.csv').write_text('instruction,image\nlift the cube,a.png\n')
    assert run('--list', tmp_path / 'list.csv', '--workers', 1, '--out', tmp_path / 'set') == 0
    assert 'made now: 1 unjudged' in capsys.readouterr().out
    assert len(list((tmp_path / 'set' / 'unjudged').glob('*/episode.json'))) == 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--tasks', 'fly'), "task = 'fly': known tasks are"),
        (('--tasks', 'lift_cube', '--checkpoint', 'nowhere'), 'nowhere'),
        (('--tasks', 'lift_cube', '--split', 'compositions'), 'has no split compositions'),
        (('--tasks', 'lift_cube', '--min-consistency', 'nan'), '--min-consistency = nan'),
        (('--list', 'nowhere.yaml'), 'nowhere.yaml: No such file'),
    ],
)
def test_unusable_arguments_are_named_and_nothing_is_written(tmp_path, capsys, arguments, message):
    assert run(*arguments, '--out', tmp_path / 'set') == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'set').exists()
