import numpy as np
import pytest
from recheck_bag import check_goal, read_limits

from vag_core import resources

ARM = read_limits(resources.find('config/robots/sim.yaml'))[0]
PERIOD = ARM['period_ns']


def way(begin, end, ticks=400):
    """Positions (ticks, 7) of a smooth way of the first joint from rest to rest."""
    share = (1 - np.cos(np.pi * np.arange(ticks) / (ticks - 1))) / 2
    positions = np.zeros((ticks, 7))
    positions[:, 0] = begin + (end - begin) * share
    return positions


def commands(*parts, rest=123_456_789):
    """Parts one after the other, with a rest of so many ns beyond a period between them."""
    lengths = [len(part) for part in parts]
    gaps = np.repeat(np.arange(len(parts)) * rest, lengths)
    return np.arange(sum(lengths)) * PERIOD + gaps, np.concatenate(parts)


def problems(*parts, **options):
    stamps, positions = commands(*parts)
    return [r['problems'] for r in check_goal(stamps, positions, ARM, positions[0], **options)]


def test_parts_that_go_on_where_the_one_before_came_to_rest_are_well_and_each_is_reported():
    stamps, positions = commands(way(0.0, 0.5), way(0.5, 0.5, 3), way(0.5, 0.2))
    reports = check_goal(stamps, positions, ARM, positions[0])
    assert [report['problems'] for report in reports] == [[], [], []]
    assert [report['commands'] for report in reports] == [400, 3, 400]
    assert [report['moves'] for report in reports] == [True, False, True]


@pytest.mark.parametrize('jump', [1e-6, -0.3])
def test_a_jump_between_two_parts_of_a_goal_is_seen_though_each_is_well(jump):
    first, second = problems(way(0.0, 0.5), way(0.5 + jump, 0.8))
    assert first == []
    assert second == [f'joint1: a jump of {abs(jump):.6f} between two parts, 25.69 periods apart']


def test_a_part_that_does_not_end_at_rest_is_seen_unless_it_is_the_last_and_may_be_cut_off():
    cut, rest = way(0.0, 0.5)[:200], way(0.25, 0.3)
    rest += cut[-1] - rest[0]
    (first, second) = problems(cut, rest, at_rest=False)
    assert 'acceleration' in first[0] and second == []
    assert problems(cut, at_rest=False) == [[]]
    assert 'acceleration' in problems(cut)[0][0]


def test_a_goal_that_begins_away_from_the_arm_is_seen():
    stamps, positions = commands(way(0.1, 0.5))
    (report,) = check_goal(stamps, positions, ARM, np.zeros(7))
    assert report['problems'] == ['joint1: begins 0.100000 from the arm']


def test_a_goal_outside_the_limits_is_seen_unless_the_arm_was_there():
    outside = np.tile(ARM['upper'] + 0.01, (300, 1))
    stamps, positions = commands(outside)
    (report,) = check_goal(stamps, positions, ARM, ARM['upper'])
    assert report['problems'] == ['a position is outside its limits']
    assert problems(outside) == [[]]


@pytest.mark.parametrize('back', [0, 3])
def test_stamps_that_are_repeated_or_go_back_are_seen(back):
    stamps = np.arange(300) * PERIOD
    stamps[150:] -= (1 + back) * PERIOD
    _, second = check_goal(stamps, np.zeros((300, 7)), ARM, np.zeros(7))
    assert second['problems'] == ['stamps stand still or go back']
