import itertools

import pytest

from vag_sim.phrasing import patterns, task_of
from vag_sim.splits import BOWLS, CUBES, Split


def test_the_plainest_sentence_of_each_task_comes_first():
    assert [patterns(task, Split.TRAIN)[0] for task in ('lift_cube', 'cube_in_bowl')] == [
        'pick up the {colour} cube with the {arm} arm',
        'put the {colour} cube in the {bowl} bowl with the {arm} arm',
    ]


@pytest.mark.parametrize('task', ['lift_cube', 'cube_in_bowl', 'lift_tray'])
def test_no_sentence_stands_twice_and_no_choice_is_left_open(task):
    sentences = [
        s for split in ('train', 'phrasings', 'words') for s in patterns(task, Split(split))
    ]
    assert len(set(sentences)) == len(sentences)
    assert not any(set(sentence) & set('()|') for sentence in sentences)


@pytest.mark.parametrize('split', [Split.TRAIN, Split.PHRASINGS, Split.WORDS])
def test_every_sentence_leads_back_to_its_task(split):
    for arm, cube, bowl in itertools.product(('left', 'right'), CUBES, BOWLS):
        for pattern in patterns('lift_cube', split):
            assert task_of(pattern.format(arm=arm, colour=cube)) == f'lift_cube:{arm}:{cube}'
        for pattern in patterns('cube_in_bowl', split):
            sentence = pattern.format(arm=arm, colour=cube, bowl=bowl)
            assert task_of(sentence) == f'cube_in_bowl:{arm}:{cube}:{bowl}'
    for sentence in patterns('lift_tray', split):
        assert task_of(sentence) == 'lift_tray'


@pytest.mark.parametrize(
    ('instruction', 'message'),
    [
        ('pick up the cube with the left arm', 'names 0 of the cubes red, green'),
        ('pick up the red cube', 'names 0 of the arms left, right'),
        ('put the red cube in the bowl with the left arm', 'names 0 of the bowls white'),
        ('lift the red and the blue cube with the left arm', 'names 2 of the cubes'),
    ],
)
def test_an_instruction_that_names_no_one_goal_is_refused(instruction, message):
    with pytest.raises(ValueError, match=message):
        task_of(instruction)
