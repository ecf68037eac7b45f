import pytest
from hypothesis import given
from hypothesis import strategies as st
from rviz_rules import complaints

from vag_ros.marker_shapes import CAPITAL, label, plain, text_width

FRAMELESS = {'frame': False}


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_can_be_written_by_rviz(text):
    assert complaints(label(text, 0.03, (0.0, 0.0, 1.0)), **FRAMELESS) in ([], ['no text'])


def test_accents_are_taken_off_and_what_has_no_letter_is_a_question_mark():
    assert plain('Würfel: 立方体 − naïve\t') == 'Wurfel: ??? ? naive?'


@given(st.text(st.characters(codec='ascii', categories=('L', 'N', 'P')), min_size=1))
def test_a_line_is_no_wider_than_its_place(text):
    found = label(text, 0.04, (0.0, 0.0, 0.0), widest=0.4)
    assert text_width(found.text) * found.scale.z <= 0.4 + 1e-9
    assert found.scale.z * CAPITAL <= 0.04 + 1e-9


def test_the_font_s_widths_are_those_that_rviz_cuts_out_of_it():
    # Measured on rviz_rendering's LiberationSans-Regular.ttf at 24 pixels per em.
    assert text_width('A') == pytest.approx(1.185, rel=0.02)
    text = 'instruction: pick up the red cube with the left arm'
    assert text_width(text) == pytest.approx(40.15, rel=0.05)
    assert text_width('REPLAY: ARMS MOVE') == pytest.approx(18.74, rel=0.03)
