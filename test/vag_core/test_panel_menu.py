import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vag_core import resources
from vag_core.configuration import ConfigError, load
from vag_core.panel import Act
from vag_core.panel_menu import Options, Presets, chosen, menu

PRESETS = Presets(instructions=('lift', 'drop'), steps=(0, 10), guidance=(-1.0, 3.0))


@settings(max_examples=20)
@given(st.lists(st.text(min_size=1).filter(str.strip), unique=True, max_size=9))
def test_entries_are_numbered_in_order_and_hang_under_earlier_ones(instructions):
    entries = menu(Presets(instructions=tuple(instructions)), Options())
    numbers = [e.number for e in entries]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0 and numbers[-1] < 2**32
    assert all(e.parent in {0, *numbers} and e.parent < e.number for e in entries)


def test_every_entry_that_is_no_heading_changes_one_option_or_reloads():
    names = {field.name for field in dataclasses.fields(Options)}
    parents = {entry.parent for entry in menu(PRESETS, Options())}
    for entry in menu(PRESETS, Options()):
        if entry.number in parents:
            with pytest.raises(ValueError, match='is a heading'):
                chosen(PRESETS, Options(), entry.number)
        else:
            assert chosen(PRESETS, Options(), entry.number) == entry
            assert entry.reload or (len(entry.change) == 1 and set(entry.change) <= names)


def test_the_chosen_option_is_marked_by_a_character():
    entries = menu(PRESETS, Options(instruction='drop', steps=10, speed_scaling=1.0, record=True))
    marked = {e.title for e in entries if e.title.startswith('[x]')}
    assert {'[x] drop', '[x] 10', '[x] new', '[x] on', '[x] 100 %'} <= marked
    assert '[ ] lift' in {e.title for e in entries}


@pytest.mark.parametrize(('armed', 'mark'), [(True, '[x]'), (False, '[ ]'), (None, '[ ]')])
def test_arming_is_an_act_of_the_panel_and_marked_as_the_server_says(armed, mark):
    entries = menu(PRESETS, Options(armed=armed))
    acts = {entry.act: entry.title for entry in entries if entry.act is not None}
    assert acts.keys() == {Act.ARM, Act.DISARM}
    assert acts[Act.ARM] == f'{mark} armed'


@pytest.mark.parametrize('number', [0, -1, 999])
def test_an_unknown_entry_is_refused(number):
    with pytest.raises(ValueError, match=f'menu entry {number} is of no menu'):
        chosen(PRESETS, Options(), number)


def test_a_click_on_the_menu_of_earlier_presets_is_refused():
    more = dataclasses.replace(PRESETS, instructions=('lift', 'drop', 'turn'))
    for entry in menu(more, Options()):
        with pytest.raises(ValueError, match='is of no menu'):
            chosen(PRESETS, Options(), entry.number)


@pytest.mark.parametrize(
    ('field', 'values', 'message'),
    [
        ('instructions', ['a', 'a'], 'must be distinct'),
        ('instructions', ['  '], 'is empty'),
        ('steps', [1001], 'steps = 1001'),
        ('guidance', [float('inf')], 'must be finite'),
        ('speed_scaling', [0.0], 'speed_scaling = 0.0'),
        ('speed_scaling', [float('nan')], 'speed_scaling = nan'),
    ],
)
def test_presets_that_nothing_could_use_are_refused(field, values, message):
    with pytest.raises(ConfigError, match=message):
        load(Presets, {field: values})


def test_the_shipped_presets_are_valid_and_offer_the_instruction_of_the_small_checkpoint():
    presets = load(Presets, resources.find('config/operator/presets.yaml'))
    assert 'pick up the red cube with the left arm' in presets.instructions
