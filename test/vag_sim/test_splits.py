import pytest
from hypothesis import given
from hypothesis import strategies as st

from vag_core.robot import load_profile
from vag_sim.phrasing import patterns, training_words, words
from vag_sim.splits import (
    BOWLS,
    CUBES,
    HELD_OUT_PAIRS,
    LAST_SEED,
    Split,
    pairs_of,
    seeds_of,
    split_of,
)
from vag_sim.tasks import make_task

PROFILE = load_profile('sim')
GRAMMAR_TASKS = ('lift_cube', 'cube_in_bowl', 'lift_tray')


@given(st.integers(0, LAST_SEED))
def test_every_seed_belongs_to_the_block_that_it_lies_in(seed):
    split = split_of('lift_cube', seed)
    block = seeds_of('cube_in_bowl', split, 0, 1)
    assert block[0] <= seed
    assert seed - block[0] < 100_000 or split in (Split.VALIDATION, Split.TRAIN)


@pytest.mark.parametrize('split', list(Split))
def test_the_seeds_of_a_split_belong_to_it(split):
    seeds = seeds_of('cube_in_bowl', split, 5, 30)
    assert len(seeds) == 30
    assert {split_of('cube_in_bowl', seed) for seed in seeds} == {split}


def test_only_its_own_twenty_scenes_of_the_first_task_count_as_trained_on():
    training = [s for s in range(3000) if split_of('pick_lift', s) is Split.TRAIN]
    assert training == list(range(1000, 1020))


@pytest.mark.parametrize(
    ('task', 'split', 'start', 'count', 'message'),
    [
        ('lift_cube', Split.SCENES, 99_990, 20, 'split scenes has 100000'),
        ('lift_cube', Split.TRAIN, -1, 2, '2 seeds from number -1'),
        ('lift_cube', Split.COMPOSITIONS, 0, 1, 'has no split compositions'),
        ('pick_lift', Split.TRAIN, 0, 1, 'has no splits'),
        ('cube_in_bowl:left:red:black', Split.TRAIN, 0, 1, 'train does not show this pair'),
    ],
)
def test_seeds_that_a_split_does_not_have_are_refused(task, split, start, count, message):
    with pytest.raises(ValueError, match=message):
        seeds_of(task, split, start, count)


def test_a_seed_out_of_range_is_refused():
    with pytest.raises(ValueError, match='seed = -1: must lie between 0 and 2147483647'):
        split_of('lift_cube', -1)


def test_training_asks_for_every_cube_and_every_bowl_but_for_no_held_out_pair():
    seen, held_out = pairs_of(Split.TRAIN), pairs_of(Split.COMPOSITIONS)
    assert set(held_out) == HELD_OUT_PAIRS
    assert not set(seen) & set(held_out)
    assert len(seen) + len(held_out) == len(CUBES) * len(BOWLS)
    assert {cube for cube, _ in seen} == {cube for cube, _ in held_out} == set(CUBES)
    assert {bowl for _, bowl in seen} == set(BOWLS)


@pytest.mark.parametrize('task', GRAMMAR_TASKS)
def test_held_out_patterns_are_other_sentences_of_words_seen_in_training(task):
    seen = patterns(task, Split.TRAIN)
    held_out = patterns(task, Split.PHRASINGS)
    assert held_out
    assert not set(seen) & set(held_out)
    for pattern in held_out:
        assert words(pattern) <= training_words(), pattern


@pytest.mark.parametrize('task', GRAMMAR_TASKS)
def test_every_sentence_of_the_split_words_holds_a_word_never_seen_in_training(task):
    for pattern in patterns(task, Split.WORDS):
        assert words(pattern) - training_words(), pattern


@pytest.mark.parametrize('split', list(Split))
@pytest.mark.parametrize('task', GRAMMAR_TASKS)
def test_scenes_of_a_split_show_only_what_the_split_may_show(task, split):
    if split is Split.COMPOSITIONS and task != 'cube_in_bowl':
        return
    made = make_task(task)
    for seed in seeds_of(task, split, 0, 12):
        scene = made.sample(seed, PROFILE)
        goal = scene.goal
        cube, bowl = goal.target.removesuffix('_cube'), goal.container.removesuffix('_bowl')
        if goal.container:
            assert (cube, bowl) in pairs_of(split)
        said = {
            pattern.format(arm=goal.arms[0], colour=cube, bowl=bowl)
            for pattern in patterns(task, split)
        }
        assert scene.instruction in said


@pytest.mark.parametrize('name', ['cube_in_bowl:left:red', 'cube_in_bowl:right:yellow'])
def test_fixing_the_cube_alone_brings_no_held_out_pair_into_training(name):
    task = make_task(name)
    for seed in seeds_of(name, Split.TRAIN, 0, 20):
        goal = task.sample(seed, PROFILE).goal
        pair = goal.target.removesuffix('_cube'), goal.container.removesuffix('_bowl')
        assert pair in pairs_of(Split.TRAIN)
