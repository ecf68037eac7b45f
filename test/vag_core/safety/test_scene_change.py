import numpy as np
import pytest

from vag_core.images import decode_image, encode_jpeg
from vag_core.safety.outcome import ErrorCode
from vag_core.safety.scene import PoseHistory, arms_moved, compare_images, image_age

S = 10**9


@pytest.fixture
def table():
    """A textured picture with a red cube of 28 pixels."""
    generator = np.random.default_rng(1)
    image = np.clip(generator.normal(120, 3, (480, 640, 3)), 0, 255).astype(np.uint8)
    image[:, 300:] = image[:, 300:] // 2
    image[200:228, 100:128] = (210, 30, 30)
    return image


def test_noise_compression_and_brightness_are_no_change(table, profile):
    generator = np.random.default_rng(2)
    noisy = table + generator.normal(12, 4, table.shape)
    again = decode_image(encode_jpeg(np.clip(noisy, 0, 255).astype(np.uint8), quality=70))
    assert compare_images(table, again).largest < profile.scene_tolerance


def test_a_moved_cube_is_a_change_and_is_found(table, profile):
    after = table.copy()
    after[200:228, 100:128] = 120
    after[320:348, 200:228] = (250, 250, 250)
    change = compare_images(table, after)
    assert change.largest > profile.scene_tolerance
    assert change.mean < change.largest / 10
    assert (change.column, change.row) == pytest.approx((214 / 640, 334 / 480), abs=0.02)


def test_pictures_of_different_sizes_can_be_compared(table):
    assert compare_images(table, table[::2, ::2]).largest < 15


@pytest.mark.parametrize(
    ('stamp', 'refused'),
    [(0, False), (699, True), (701, False), (1000, False), (1002, True)],
)
def test_an_image_may_be_as_old_as_allowed_and_not_from_the_future(stamp, refused):
    refusal = image_age(stamp * S, 1000 * S, 300.0)
    assert (refusal is not None) == refused
    if refused:
        assert refusal.code is ErrorCode.STALE_IMAGE


def test_the_history_knows_where_the_arms_were_and_forgets_what_is_too_old(profile):
    history = PoseHistory(10.0)
    assert history.at(5 * S) is None
    for second in range(20):
        history.add(second * S, np.full(14, float(second)))
    np.testing.assert_array_equal(history.at(15 * S + S // 10), np.full(14, 15.0))
    assert history.at(15 * S + S // 2) is None
    assert history.at(5 * S) is None


def test_a_clock_that_steps_back_empties_the_history():
    history = PoseHistory(10.0)
    history.add(1000 * S, np.zeros(14))
    history.add(10 * S, np.ones(14))
    assert history.at(1000 * S) is None
    np.testing.assert_array_equal(history.at(10 * S), np.ones(14))


def test_an_arm_that_moved_since_the_image_is_named(profile):
    before = profile.home_position
    assert arms_moved(before, before + 0.01, profile) is None
    assert arms_moved(None, before, profile) is None
    moved = before.copy()
    moved[8] += 0.2
    assert 'right_joint2: +0.2000 rad off its place' in arms_moved(before, moved, profile)
