import pytest

from vag_core.panel_warnings import news

MOVED = 'left_joint1 is 0.12 rad from where it was'
SCENE = 'the scene has changed by 30 grey levels at 40% of the width'


@pytest.mark.parametrize(
    ('present', 'told'),
    [
        ((), ()),
        ((MOVED,), (MOVED,)),
        ((SCENE,), ()),
        ((SCENE.replace('30', '55'),), ()),
        ((SCENE.replace('30', '90'), MOVED), (SCENE.replace('30', '90'), MOVED)),
    ],
)
def test_a_warning_is_news_by_other_words_or_a_figure_that_has_grown_beyond_noise(present, told):
    assert news((SCENE,), present) == told


def test_another_joint_is_news():
    other = MOVED.replace('joint1', 'joint2')
    assert news((MOVED,), (other,)) == (other,)
