from types import SimpleNamespace

import pytest

from vag_core.safety import clearance
from vag_core.safety.clearance import known_clearance


def layers(monkeypatch, *loads):
    found = [SimpleNamespace(name=f'layer{i}', load=load) for i, load in enumerate(loads)]
    monkeypatch.setattr(clearance, 'entry_points', lambda group: found)


def not_installed():
    raise ImportError('no module named mujoco')


def test_the_first_layer_that_knows_the_robot_answers(monkeypatch, profile):
    layers(monkeypatch, lambda: lambda _: None, lambda: lambda asked: asked.name)
    assert known_clearance(profile) == profile.name


@pytest.mark.parametrize(
    ('loads', 'cause'),
    [((), 'nothing installed'), ((not_installed,), 'no module named mujoco')],
)
def test_where_nobody_can_answer_the_cause_is_said(monkeypatch, profile, capsys, loads, cause):
    layers(monkeypatch, *loads)
    assert known_clearance(profile) is None
    assert cause in capsys.readouterr().err
