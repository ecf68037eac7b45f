"""Rows of figures with intervals, from results made by hand."""

from dataclasses import replace

import pytest

from vag_core.metrics.intervals import wilson
from vag_sim.evaluation.aggregate import Bin, aggregate, bin_of


def rows_by_group(results):
    return {(row.method, row.group): row for row in aggregate(results)}


def test_means_and_shares_are_over_the_scenes_of_each_group(plain):
    results = [
        plain,
        replace(plain, seed=1, success=False, distance=0.5, arms=('right',)),
        replace(plain, seed=2, distance=0.4, arms=('left', 'right'), task='lift_tray'),
        replace(plain, method='literal', success=False),
    ]
    rows = rows_by_group(results)
    assert rows['vag', 'all'].scenes == 3
    assert rows['vag', 'all'].figures['success'] == wilson(2 / 3, 3)
    assert rows['vag', 'all'].figures['distance'].value == pytest.approx(0.4)
    assert rows['vag', 'right'].figures['success'].value == 0.0
    assert rows['vag', 'both'].figures['distance'].value == 0.4
    assert rows['vag', 'lift_cube'].scenes == 2
    assert rows['literal', 'all'].scenes == 1


def test_several_seeds_of_a_scene_count_as_one_observation(plain):
    results = [
        replace(plain, sampler_seed=k, success=k > 0, distance=0.1 * k) for k in range(3)
    ] + [replace(plain, seed=1)]
    row = rows_by_group(results)['vag', 'all']
    assert (row.scenes, row.sampler_seeds) == (2, 3)
    assert row.figures['success'] == wilson((2 / 3 + 1) / 2, 2)
    assert row.figures['distance'].value == pytest.approx((0.1 + 0.3) / 2)
    assert row.figures['distance'].count == 2


def test_a_figure_that_a_method_has_not_is_left_out(plain):
    results = [plain, replace(plain, seed=1, psnr=20.0)]
    figures = rows_by_group(results)['vag', 'all'].figures
    assert 'ssim' not in figures
    assert figures['psnr'].count == 1


@pytest.mark.parametrize(
    ('error', 'name'),
    [
        (0.0, 'below 12 mm'),
        (11.99, 'below 12 mm'),
        (12.0, '12 to 40 mm'),
        (40.0, 'above 40 mm'),
        (None, 'refused'),
    ],
)
def test_bins_of_the_target_error(plain, error, name):
    assert bin_of(replace(plain, target_error_mm=error)) == name


def test_bins_and_chosen_objects_are_counted(plain):
    results = [
        plain,
        replace(plain, seed=1, success=False, chosen='blue_cube', target_error_mm=90.0),
        replace(plain, seed=2, success=False, chosen='', target_error_mm=50.0),
    ]
    row = rows_by_group(results)['vag', 'all']
    assert row.bins['below 12 mm'] == Bin(1, 1)
    assert row.bins['above 40 mm'] == Bin(2, 0)
    assert row.bins['refused'] == Bin(0, 0)
    assert row.chosen == {'red_cube': {'red_cube': 1, 'blue_cube': 1, 'nothing': 1}}


def test_differences_from_vag_are_taken_scene_by_scene(plain):
    results = [replace(plain, seed=seed, distance=0.1 * seed) for seed in range(4)]
    results += [
        replace(plain, method='resnet', seed=seed, distance=0.1 * seed + 0.2, success=False)
        for seed in range(1, 6)
    ]
    rows = rows_by_group(results)
    figures = rows['resnet', 'all'].figures
    assert figures['distance_difference'].count == 3
    assert figures['distance_difference'].low == pytest.approx(0.2)
    assert figures['distance_difference'].high == pytest.approx(0.2)
    assert figures['success_difference'].value == -1.0
    assert 'distance_difference' not in rows['vag', 'all'].figures
