"""Pictures are drawn for whatever rows there are."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from vag_core.embodiment import Embodiment
from vag_sim.evaluation.aggregate import aggregate
from vag_sim.evaluation.gallery import CAPTION, COLUMNS, GAP, SHOWN, caption, save_strip, sheet
from vag_sim.evaluation.plots import colours_of, plot_confusion, plot_curves, plot_success

METHODS = ('demonstration', 'vag', 'literal', 'resnet')


@pytest.fixture
def rows(plain):
    results = [
        replace(plain, method=method, seed=seed, success=seed > index)
        for index, method in enumerate(METHODS)
        for seed in range(4)
    ]
    rows = aggregate([*results, replace(plain, target='tray', chosen='', refused='far')])
    return [*rows, replace(rows[0], method='anypos', recorded=True)]


def test_bars_and_confusions_are_drawn_with_recorded_rows_and_missing_groups(rows, tmp_path):
    plot_success(rows, tmp_path / 'success.png')
    plot_confusion([row for row in rows if row.group == 'all'], tmp_path / 'confusion.png')
    assert cv2.imread(str(tmp_path / 'success.png')).shape[1] > 600
    assert cv2.imread(str(tmp_path / 'confusion.png')) is not None


def test_curves_have_a_panel_for_each_dimension(tmp_path):
    embodiment = Embodiment(
        name='gripper', dimensions=('joint', 'gripper', 'raw'), units=('rad', 'm', 'raw')
    )
    actions = {method: np.zeros((5, 3)) for method in METHODS[:2]}
    path = tmp_path / 'curves.png'
    plot_curves(
        actions, path, embodiment=embodiment, fps=10.0, title='a', colours=colours_of(METHODS)
    )
    height, width, _ = cv2.imread(str(path)).shape
    assert width > 2 * height


def test_a_method_keeps_its_colour_whatever_is_drawn_beside_it():
    colours = colours_of(METHODS)
    assert len({colours[method] for method in METHODS}) == len(METHODS)
    assert colours_of(METHODS[:2])['vag'] == colours['vag']


def test_a_sheet_shows_a_limited_number_of_strips_under_captions(plain, tmp_path):
    video = np.full((9, 16, 24, 3), 90, np.uint8)
    save_strip(tmp_path / 'strip.jpg', video, None)
    assert cv2.imread(str(tmp_path / 'strip.jpg')).shape == (2 * 18, 8 * 26, 3)
    sheet([(plain, tmp_path / 'strip.jpg')] * (SHOWN + 9), tmp_path / 'sheet.jpg')
    height, width, _ = cv2.imread(str(tmp_path / 'sheet.jpg')).shape
    tile = np.array([36 + CAPTION + GAP, 8 * 26 + GAP])
    assert (height, width) == tuple(tile * [SHOWN // COLUMNS, COLUMNS])


def test_a_caption_says_what_was_asked_for_and_what_was_done(plain):
    failed = replace(plain, chosen='blue_cube', target_error_mm=93.4, sampler_seed=2)
    assert caption(failed).endswith('red cube": went for blue cube, 93 mm off')
    assert 'noise 2' in caption(failed)
    assert caption(replace(plain, refused='too far')).endswith('refused: too far')
