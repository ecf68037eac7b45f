import dataclasses
from types import SimpleNamespace

import pytest

from vag_core.safety import clearance
from vag_core.safety.clearance import known_clearance
from vag_core.safety.outcome import ErrorCode
from vag_core.safety.plan import make_plan


def layers(monkeypatch, *loads):
    found = [SimpleNamespace(name=f'layer{i}', load=load) for i, load in enumerate(loads)]
    monkeypatch.setattr(clearance, 'entry_points', lambda group: found)


def not_installed():
    raise ImportError('no module named mujoco')


def test_the_first_layer_that_knows_the_robot_answers(monkeypatch, profile):
    layers(monkeypatch, lambda: lambda _: None, lambda: lambda asked: asked.name)
    assert known_clearance(profile) == profile.name


def renamed():
    raise AttributeError("module 'vag_sim.clearance' has no attribute 'clearance_of'")


@pytest.mark.parametrize(
    'case',
    [
        ((), 'nothing installed'),
        ((not_installed,), 'no module named mujoco'),
        ((renamed,), 'no attribute'),
    ],
)
def test_where_nobody_can_answer_cause_and_remedy_are_said_and_no_plan_is_made(
    monkeypatch, profile, wave, capsys, case
):
    loads, cause = case
    layers(monkeypatch, *loads)
    known = known_clearance(profile)
    assert known is None
    said = capsys.readouterr().err
    assert cause in said and 'pip install -e .' in said
    safety = dataclasses.replace(profile.safety, clearance_required=True)
    strict = dataclasses.replace(profile, safety=safety)
    refusal = make_plan(wave, strict, strict.home_position, known)
    assert refusal.code is ErrorCode.CLEARANCE_VIOLATED
    assert 'pip install -e .' in refusal.message
