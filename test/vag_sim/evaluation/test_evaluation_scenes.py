"""Scenes of an evaluation come from their split, tasks in turn."""

import pytest

from vag_sim.evaluation.scenes import TASKS, choose_scenes, groups_of, tasks_of
from vag_sim.splits import Split, split_of


def test_tasks_take_turns_and_each_counts_its_own_scenes():
    scenes = choose_scenes(TASKS, Split.VALIDATION, 5)
    assert [scene.task for scene in scenes] == [*TASKS, *TASKS[:2]]
    assert [scene.seed - 400_000 for scene in scenes] == [0, 0, 0, 1, 1]
    assert {split_of(scene.task, scene.seed) for scene in scenes} == {Split.VALIDATION}


def test_more_scenes_begin_with_the_same_ones():
    few = choose_scenes(TASKS, Split.SCENES, 7)
    assert choose_scenes(TASKS, Split.SCENES, 20)[:7] == few
    assert len(set(few)) == 7


def test_the_split_compositions_has_the_task_that_fills_bowls_only():
    assert tasks_of(Split.COMPOSITIONS) == ('cube_in_bowl',)
    with pytest.raises(ValueError, match="task = 'lift_tray': has no split compositions"):
        choose_scenes(['lift_tray'], Split.COMPOSITIONS, 2)


def test_a_scene_counts_in_all_in_its_arms_and_in_its_task():
    assert groups_of('lift_cube:left', ['left']) == ('all', 'left', 'lift_cube')
    assert groups_of('lift_tray', ['left', 'right']) == ('all', 'both', 'lift_tray')
