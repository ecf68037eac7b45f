import numpy as np
import pytest

from vag_sim.shape_picture import Kind, Shape, View, draw

VIEW = View(focus=(0.0, 0.0, 0.0), distance=2.0, yaw=0.0, pitch=0.0)
RED = (1.0, 0.0, 0.0, 1.0)


def red_box(shape):
    """(width, height) in pixels of what is red in the picture."""
    image = draw([shape], VIEW, width=200, height=200).astype(int)
    rows, columns = np.nonzero(image[:, :, 0] - image[:, :, 1:].max(axis=2) > 40)
    return np.ptp(columns) + 1, np.ptp(rows) + 1


@pytest.mark.parametrize(
    ('kind', 'size', 'proportion'),
    [
        (Kind.BOX, (0.1, 0.2, 0.6), 3.0),
        (Kind.CYLINDER, (0.2, 0.2, 0.6), 3.0),
        (Kind.SPHERE, (0.4, 0.4, 0.4), 1.0),
    ],
)
def test_a_shape_is_drawn_in_its_proportions(kind, size, proportion):
    width, height = red_box(Shape(kind, size, np.eye(4), RED))
    assert height / width == pytest.approx(proportion, rel=0.12)


def test_a_line_reaches_from_end_to_end():
    pose = np.eye(4)
    pose[2, 3] = -0.3
    line = Shape(Kind.LINE, (0.05,) * 3, pose, RED, end=np.array([0.0, 0.0, 0.3]))
    width, height = red_box(line)
    assert height > 8 * width


def test_a_label_is_written_over_the_picture():
    label = Shape(Kind.LABEL, (1.0, 0.0, 0.2), np.eye(4), (1.0, 1.0, 1.0, 1.0), text='here')
    plain, written = draw([], VIEW, 200, 200), draw([label], VIEW, 200, 200)
    assert (written >= 250).any() and not (plain >= 250).any()


def test_a_label_is_as_wide_and_as_high_as_it_says():
    label = Shape(Kind.LABEL, (1.0, 0.0, 0.1), np.eye(4), (1.0, 1.0, 1.0, 1.0), text='H' * 9)
    bright = draw([label], VIEW, 600, 600).min(axis=2) > 100
    across, down = (np.ptp(np.flatnonzero(bright.any(axis=axis))) for axis in (0, 1))
    assert across / down == pytest.approx(10.0, rel=0.15)
