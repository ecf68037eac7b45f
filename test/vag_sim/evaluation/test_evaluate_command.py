"""``vag sim evaluate`` says what it can't do before it does anything."""

import argparse

import pytest

from vag_sim import cli


def run(*arguments):
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return cli.run(parser.parse_args(['evaluate', *map(str, arguments)]))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--checkpoint', 'nowhere'], 'nowhere'),
        (['--literal', 'nowhere'], 'nowhere'),
        (['--scenes', '0'], '--scenes = 0: must be at least 1'),
        (['--seeds', '-1'], '--seeds = -1: must be at least 1'),
        (['--workers', '0'], '--workers = 0: must be at least 1'),
        (['--tasks', 'fly'], "task = 'fly'"),
        (['--tasks', 'pick_lift', '--split', 'words'], 'has no split words'),
        (['--full', '--tasks', 'pick_lift'], '--full takes lift_cube, cube_in_bowl, lift_tray'),
        (['--tasks', 'lift_tray', '--split', 'compositions'], 'has no split compositions'),
        (['--methods', 'magic'], "--methods = 'magic': possible here are demonstration, vag"),
    ],
)
def test_what_can_not_be_is_refused_with_its_reason(tmp_path, capsys, arguments, message):
    out = tmp_path / 'out'
    assert run(*arguments, '--out', out) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_an_unknown_split_is_refused(capsys):
    with pytest.raises(SystemExit):
        run('--split', 'train')
    assert 'invalid choice' in capsys.readouterr().err
