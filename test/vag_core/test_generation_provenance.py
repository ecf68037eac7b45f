"""What an episode says of the way it was made."""

import json
import platform

import numpy as np

from vag_core import provenance
from vag_core.flow import Solver
from vag_core.generate import Request, generate

IMAGE = np.zeros((8, 8, 3), np.uint8)


def test_it_names_checkpoint_sampler_device_and_versions(checkpoint):
    request = Request(IMAGE, 'pick', 3, steps=2, solver=Solver.EULER, negative='blurred')
    found = provenance.of_generation(checkpoint, request, generate(checkpoint, [request])[0])
    assert json.loads(json.dumps(found)) == found
    assert found['source'] == 'generated'
    assert found['checkpoint'] == checkpoint.name
    assert found['checkpoint_hash'] == checkpoint.hash
    assert found['evaluation'] == checkpoint.evaluation
    assert (found['seed'], found['steps'], found['guidance']) == (3, 2, 0.0)
    assert (found['solver'], found['negative']) == ('euler', 'blurred')
    assert (found['device'], found['dtype']) == ('cpu', 'float32')
    assert list(found['versions']) == ['vag', 'python', 'torch', 'numpy']
    assert found['start_state'] is None


def test_it_holds_the_start_state(checkpoint):
    request = Request(IMAGE, 'pick', 3, steps=1, start_state=np.arange(14, dtype=np.float32))
    found = provenance.of_generation(checkpoint, request, generate(checkpoint, [request])[0])
    assert json.loads(json.dumps(found))['start_state'] == list(range(14))


def test_versions_name_this_package_python_and_what_was_asked_for():
    found = provenance.versions('numpy')
    assert list(found) == ['vag', 'python', 'numpy']
    assert found['python'] == platform.python_version()
    assert all(found.values())


def test_a_pip_installation_has_no_package_xml_and_knows_its_version(monkeypatch, tmp_path):
    monkeypatch.setattr('vag_core.resources.share_directories', lambda: [tmp_path])
    assert provenance.versions()['vag']
