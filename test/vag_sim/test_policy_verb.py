import argparse

import pytest

from vag_sim import policy_cli as verb


def run(*arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(argument) for argument in arguments]))


def test_training_on_a_folder_without_episodes_is_refused(tmp_path, capsys):
    assert run('train', '--data', tmp_path, '--out', tmp_path / 'out') == 1
    assert 'no episodes' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_configuration_that_is_not_there_is_named(tmp_path, capsys):
    asked = ('--data', tmp_path, '--out', tmp_path / 'out', '--config', 'nowhere.yaml')
    assert run('train', *asked) == 1
    assert 'nowhere.yaml' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--tasks', 'fly'), "task = 'fly'"),
        (('--tasks', 'lift_cube', '--split', 'compositions'), 'has no split compositions'),
        (('--tasks', 'lift_cube'), 'config.yaml: No such file'),
    ],
)
def test_an_evaluation_that_can_t_be_done_is_refused(tmp_path, capsys, arguments, message):
    out = tmp_path / 'out'
    assert run('evaluate', '--policy', tmp_path, *arguments, '--out', out) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_perturbing_a_folder_without_episodes_is_refused(tmp_path, capsys):
    asked = ('--data', tmp_path, '--episodes', 2, '--out', tmp_path / 'out')
    assert run('perturb', *asked) == 2
    assert 'no episodes' in capsys.readouterr().err
