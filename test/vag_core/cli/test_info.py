import argparse
import json

import pytest

from vag_core import resources
from vag_core.cli import info


def run(model, *flags):
    parser = argparse.ArgumentParser()
    info.add_arguments(parser)
    return info.run(parser.parse_args([model, *flags]))


def test_json_gives_the_size_of_a_shipped_checkpoint_and_what_is_known_of_its_quality(capsys):
    assert run('tiny', '--json') == 0
    found = json.loads(capsys.readouterr().out)
    assert found['video_parameters'] == 2_186_408
    assert found['action_parameters'] == 851_966
    assert found['tokens'] == 288
    assert found['forward_tflop'] == pytest.approx(1.2e-3, rel=0.05)
    assert found['evaluation'] == 'smoke-trained, not evaluated'


def test_the_table_names_every_part(capsys):
    assert run('tiny') == 0
    printed = capsys.readouterr().out
    for part in ('video stream', 'action stream', 'VAE', 'sampler', 'memory', 'this CPU'):
        assert part in printed


def test_the_paper_s_model_goes_by_the_name_of_its_video_stream(capsys):
    assert run('cosmos-predict2-2b', '--json') == 0
    found = json.loads(capsys.readouterr().out)
    assert found['video_parameters'] == 1_956_413_440
    assert found['action_parameters'] == 251_554_958
    assert found['tokens'] == 31_104
    assert found['forward_tflop'] == pytest.approx(328.0, abs=0.05)


def test_no_weights_are_read(tmp_path, capsys):
    folder = tmp_path / 'only_its_configuration'
    folder.mkdir()
    source = resources.find('checkpoints/tiny/config.yaml')
    (folder / 'config.yaml').write_text(source.read_text())
    assert run(str(folder), '--json') == 0
    assert json.loads(capsys.readouterr().out)['checkpoint'] == 'only_its_configuration'


def test_an_unknown_name_is_refused_with_the_shipped_ones(capsys):
    assert run('no_such_model') == 2
    assert 'no_such_model: no checkpoint folder, YAML file or shipped name' in (
        capsys.readouterr().err
    )
